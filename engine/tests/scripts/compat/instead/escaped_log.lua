local function line(level, message)
  local escaped = message:gsub('[%c"\\]', function(char)
    if char == "\n" then return "\\n" end
    return if string.find(char, "%c") then "\\" .. string.byte(char) else "\\" .. char
  end)
  return `{level} "{escaped}"`
end

for _, message in ipairs { 'user "zoe" logged in', "two\nlines", "\27[31mred\27[0m", "bell\a" } do
  local text = line("info", message)
  print(text:find("%c") and "not fit for a log" or text)
end
