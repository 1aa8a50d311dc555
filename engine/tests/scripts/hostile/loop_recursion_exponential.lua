-- expect: timeout
-- attacks: exponential recursion of small depth
local function fib(n) return if n < 2 then n else fib(n - 1) + fib(n - 2) end
return fib(60)
