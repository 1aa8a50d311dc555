local function with(name, use)
  print("open", name)
  local results = table.pack(pcall(use, { name = name }))
  print("close", name, if results[1] then nil else results[2])
  if not results[1] then error(results[2], 0) end
  return table.unpack(results, 2, results.n)
end

local function transfer(fails)
  return with("source", function(source)
    return with("target", function(target)
      if fails then error("disk full", 0) end
      return "copied " .. source.name .. " to " .. target.name
    end)
  end)
end

print(transfer(false))
print(pcall(transfer, true))
