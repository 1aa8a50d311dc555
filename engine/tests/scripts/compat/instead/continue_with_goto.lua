local total = 0
for _, line in ipairs { "# prices", "12", "", "oops", "30" } do
  if line == "" or line:sub(1, 1) == "#" then continue end
  local price = tonumber(line)
  if not price then
    print("skipped", line)
    continue
  end
  total = total + price
end
print("total", total)
