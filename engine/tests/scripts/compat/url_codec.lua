-- lua: 5.1 | runs
-- uses: string.byte, string.char, %02X, parsing a query string
local function encode(text)
  return (text:gsub("[^%w%-_%.~]", function(char)
    return string.format("%%%02X", char:byte())
  end))
end

local function decode(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

local function parse(query)
  local values = {}
  for key, value in query:gmatch("([^&=]+)=?([^&]*)") do
    values[decode(key)] = decode(value)
  end
  return values
end

print(encode("a b&c=d/ü"), decode("a+b%26c%3Dd%2F%C3%BC"))
local values = parse("monster=Manticore&q=50%25+off&flag")
print(values.monster, values.q, values.flag == "", encode(decode("%41-%7E")))

-- prints:
--> a%20b%26c%3Dd%2F%C3%BC	a b&c=d/ü
--> Manticore	50% off	true	A-~
