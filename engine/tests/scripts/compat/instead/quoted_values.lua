local function row(values)
  local parts = {}
  for i, value in ipairs(values) do
    parts[i] = if type(value) == "string" then string.format("%q", value) else tostring(value)
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

print(row { "zoe", 'said "hi"', 42, true })
