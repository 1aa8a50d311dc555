-- lua: 5.4 | runs
-- uses: utf8.len, utf8.offset, utf8.codes, utf8.char, \u escapes
local function truncate(text, most)
  local length, bad = utf8.len(text)
  if not length then return nil, "invalid byte at " .. bad end
  if length <= most then return text end
  return text:sub(1, utf8.offset(text, most) - 1) .. "\u{2026}"
end

for _, name in ipairs { "Zoë", "Žižkov Tower", "日本語のテキスト", "bad\xff" } do
  print(#name, truncate(name, 6))
end
local points = {}
for at, code in utf8.codes("aé€") do points[#points + 1] = ("%d:U+%04X"):format(at, code) end
print(table.concat(points, " "), utf8.char(72, 228, 8364), utf8.codepoint("é€", 1, -1))
for char in ("né"):gmatch(utf8.charpattern) do io.write("[", char, "]") end
print()

-- prints:
--> 4	Zoë
--> 14	Žižko…
--> 24	日本語のテ…
--> 4	nil	invalid byte at 4
--> 1:U+0061 2:U+00E9 4:U+20AC	Hä€	233	8364
--> [n][é]
