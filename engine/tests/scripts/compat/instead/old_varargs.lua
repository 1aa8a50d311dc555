local function log(level, ...)
  local args = table.pack(...)
  for i = 1, args.n do
    args[i] = tostring(args[i])
  end
  print(level:upper() .. ": " .. table.concat(args, ", "))
end

log("info", "started", 8080, nil, true)
log("warn")
