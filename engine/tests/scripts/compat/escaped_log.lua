-- lua: 5.4 | differs: %q writes control characters other than newline, \r and NUL as they are
-- uses: %q to keep what strangers send on one line of a log
-- instead: gsub("%c", …) with string.format("\\%d", …)
local function line(level, message)
  return level .. " " .. ("%q"):format(message):gsub("\\\n", "\\n")
end

for _, message in ipairs { 'user "zoe" logged in', "two\nlines", "\27[31mred\27[0m", "bell\a" } do
  local text = line("info", message)
  print(text:find("%c") and "not fit for a log" or text)
end

-- prints:
--> info "user \"zoe\" logged in"
--> info "two\nlines"
--> info "\27[31mred\27[0m"
--> info "bell\7"

-- prints here:
--> info "user \"zoe\" logged in"
--> info "two\nlines"
--> not fit for a log
--> not fit for a log
