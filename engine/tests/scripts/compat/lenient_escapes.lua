-- lua: 5.1 | runs
-- uses: needless escapes such as "\/" in strings
local function json_escape(text)
  return '"' .. text:gsub('[%c"\\/]', {
    ['"'] = '\"', ["\\"] = "\\\\", ["/"] = "\/", ["\n"] = "\\n", ["\t"] = "\\t",
  }) .. '"'
end
print(json_escape("https:\/\/example.com\n"), "50\% off\!", '\-\_')

-- prints:
--> "https://example.com\n"	50% off!	-_
