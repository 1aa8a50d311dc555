-- lua: 5.1 | runs
-- uses: string.gsub chains, a set as a table
local used = {}

local function slug(title)
  local base = title:lower():gsub("&", " and "):gsub("[^%w]+", "-"):gsub("^%-+", ""):gsub("%-+$", "")
  local candidate, n = base, 1
  while used[candidate] do
    n = n + 1
    candidate = base .. "-" .. n
  end
  used[candidate] = true
  return candidate
end

for _, title in ipairs { "Hello, World!", "Salt & Pepper", "  hello world ", "100% Lua (5.1)" } do
  print(slug(title))
end

-- prints:
--> hello-world
--> salt-and-pepper
--> hello-world-2
--> 100-lua-5-1
