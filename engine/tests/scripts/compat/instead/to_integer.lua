local function page_of(text)
  local number = tonumber(text)
  if not number or number % 1 ~= 0 or number < 1 then return nil, "not a page: " .. text end
  return number
end

for _, text in ipairs { "3", "2.0", "2.5", "x" } do
  print(text, page_of(text))
end
