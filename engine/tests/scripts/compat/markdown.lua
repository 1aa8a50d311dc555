-- lua: 5.4 | runs
-- uses: gsub with captures and %1, gmatch with positions, \z and \x escapes
local function inline(text)
  return (text:gsub("[<>&]", { ["<"] = "&lt;", [">"] = "&gt;", ["&"] = "&amp;" })
    :gsub("%*%*(.-)%*%*", "<b>%1</b>")
    :gsub("`([^`]+)`", "<code>%1</code>")
    :gsub("%[(.-)%]%((.-)%)", '<a href="%2">%1</a>'))
end

local source = "# Orders \x26 more\n\n\z
  Use **POST** with `a < b`.\nSee [docs](https://example.com).\n\n- one\n- two\n"
for block in (source .. "\n"):gmatch("(.-)\n\n+") do
  local level, title = block:match("^(#+)%s+(.+)")
  if level then
    print(("<h%d>%s</h%d>"):format(#level, inline(title), #level))
  elseif block:match("^%- ") then
    print("<ul>" .. block:gsub("%- ([^\n]+)\n?", function(item) return "<li>" .. inline(item) .. "</li>" end) .. "</ul>")
  else
    print("<p>" .. inline(block):gsub("\n", " ") .. "</p>")
  end
end

-- prints:
--> <h1>Orders &amp; more</h1>
--> <p>Use <b>POST</b> with <code>a &lt; b</code>. See <a href="https://example.com">docs</a>.</p>
--> <ul><li>one</li><li>two</li></ul>
