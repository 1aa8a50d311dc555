-- lua: 5.1 | refused: os.getenv
-- uses: an environment variable with a default
-- instead: CONFIG, the host's settings
local stage = os.getenv("COMPAT_STAGE_THAT_IS_NOT_SET") or "production"
local debugging = stage ~= "production"
print("stage", stage, "debugging", debugging)

-- prints:
--> stage	production	debugging	false

-- raises here:
--> environment.lua:4: attempt to call a nil value (os.getenv is not there: the host's settings are in CONFIG)
