-- expect: success
-- attacks: output past the cap is dropped and the value still comes back
for i = 1, 300 do print(string.rep("y", 10000)) end
return { done = true }
