-- expect: timeout
-- attacks: long strings joined, in hundreds of lines without a call or loop
local s, t = string.rep('1', 4 * 2 ^ 20), ''
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s t=s..s
while true do end
