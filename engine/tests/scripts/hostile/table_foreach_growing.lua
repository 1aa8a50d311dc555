-- expect: timeout|memory_limit|success
-- attacks: foreach whose callback adds what comes next
local t = { 1 }
pcall(table.foreach, t, function(k) t[k + 1] = k end)
