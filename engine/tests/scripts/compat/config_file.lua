-- lua: 5.1 | refused: io.open
-- uses: a file that is read if it is there
-- instead: CONFIG, the host's settings
local function load_config(path)
  local file = io.open(path)
  if not file then return { retries = 3 } end
  local retries = file:read("*n")
  file:close()
  return { retries = retries }
end

print(load_config("/nonexistent/retries.txt").retries)

-- prints:
--> 3

-- raises here:
--> config_file.lua:5: attempt to call a nil value (io.open is not there: a script reaches no files; the host's settings are in CONFIG)
