-- expect: timeout
-- attacks: a long string read as a number, in hundreds of lines without a call or loop
local s, n = string.rep('1', 2 ^ 20), 0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0 n=s+0
while true do end
