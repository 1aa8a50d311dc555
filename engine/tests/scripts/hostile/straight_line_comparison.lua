-- expect: timeout
-- attacks: long strings compared, in hundreds of lines without a call or loop
local s = string.rep('1', 5 * 2 ^ 20)
local t, b = s .. '1', false
s ..= '2'
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t b=s<t
while true do end
