local count, bytes = 0, 0
for line in (POST.text or ""):gmatch("[^\n]+") do
  count = count + 1
  bytes = bytes + #line
end
print(count, bytes, "")
