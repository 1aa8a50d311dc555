-- lua: 5.4 | refused: string.format("%q") of what is not a string
-- uses: %q for every kind of value, as the manual of 5.4 suggests
-- instead: %q for strings, tostring for the rest
local function row(values)
  local parts = {}
  for i, value in ipairs(values) do
    parts[i] = string.format("%q", value)
  end
  return "{" .. table.concat(parts, ", ") .. "}"
end

print(row { "zoe", 'said "hi"', 42, true })

-- prints:
--> {"zoe", "said \"hi\"", 42, true}

-- raises here:
--> quoted_values.lua:7: invalid argument #2 to 'format' (string expected, got boolean)
