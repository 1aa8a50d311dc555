-- lua: 5.4 | refused: bitwise operators
-- uses: |, &, ~ and << for flags
-- instead: bit32.bor, band, bnot, lshift
local READ, WRITE, ADMIN = 1 << 0, 1 << 1, 1 << 2
local roles = { guest = READ, editor = READ | WRITE, owner = READ | WRITE | ADMIN }

local function can(role, flag)
  return roles[role] & flag ~= 0
end

print(can("guest", WRITE), can("editor", WRITE), can("owner", ADMIN))
roles.owner = roles.owner & ~WRITE
print(roles.owner, can("owner", WRITE))

-- prints:
--> false	true	true
--> 5	false

-- raises here:
--> permission_flags.lua:4: Expected identifier when parsing expression, got '<' (Luau has no << operator: use bit32.lshift(a, n))
