local function with_counter(name, use)
  local counter = { n = 0 }
  local ok, problem = pcall(use, counter)
  print(name, "counted", counter.n)
  if not ok then error(problem, 0) end
end

with_counter("requests", function(requests)
  for _ = 1, 3 do requests.n += 1 end
  print("end of the script")
end)
