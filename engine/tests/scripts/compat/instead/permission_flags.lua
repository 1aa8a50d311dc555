local READ, WRITE, ADMIN = bit32.lshift(1, 0), bit32.lshift(1, 1), bit32.lshift(1, 2)
local roles = { guest = READ, editor = bit32.bor(READ, WRITE), owner = bit32.bor(READ, WRITE, ADMIN) }

local function can(role, flag)
  return bit32.btest(roles[role], flag)
end

print(can("guest", WRITE), can("editor", WRITE), can("owner", ADMIN))
roles.owner = bit32.band(roles.owner, bit32.bnot(WRITE))
print(roles.owner, can("owner", WRITE))
