-- lua: 5.4 | differs: the texts of the library's own errors
-- uses: calling the library with a wrong argument and logging the text
-- instead: check before, with an error of your own; never match the text of the library's
local function safe(f, ...)
  local ok, problem = pcall(f, ...)
  return ok and "ok" or "rejected: " .. problem
end

print(safe(string.rep))
print(safe(string.unpack, ">I4", "abc"))
print(safe(tonumber, "zz", 99))
print(safe(ipairs))
print(safe(setmetatable, 1, {}))

-- prints:
--> rejected: bad argument #1 to 'string.rep' (string expected, got no value)
--> rejected: bad argument #2 to 'string.unpack' (data string too short)
--> rejected: bad argument #2 to 'tonumber' (base out of range)
--> rejected: bad argument #1 to 'ipairs' (value expected)
--> rejected: bad argument #1 to 'setmetatable' (table expected, got number)

-- prints here:
--> rejected: missing argument #1 to 'rep' (string expected)
--> rejected: invalid argument #2 to 'unpack' (data string too short)
--> rejected: invalid argument #2 to 'tonumber' (base out of range)
--> rejected: missing argument #1 to 'ipairs' (table expected)
--> rejected: invalid argument #1 to 'setmetatable' (table expected, got number)
