-- expect: timeout
-- attacks: generic for whose iterator is a library function that never returns nil
for x in os.clock do end
