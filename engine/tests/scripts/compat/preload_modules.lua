-- lua: 5.4 | refused: package.preload
-- uses: modules that are defined in the same file and required
-- instead: a table of functions; a module of the host's is reached with require
package.preload["util.text"] = function(name)
  local M = { name = name }
  function M.title(text) return (text:gsub("^%l", string.upper)) end
  return M
end

local text = require "util.text"
print(text.name, text.title("manticore"), require "util.text" == text)

-- prints:
--> util.text	Manticore	true

-- raises here:
--> preload_modules.lua:4: attempt to index nil with 'preload' (package is not there: modules come from the host, with require)
