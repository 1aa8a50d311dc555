local total = 0
for number in string.gmatch("12 7 30", "%d+") do
  total = total + tonumber(number) % 5
end
print(total)
