local stage = CONFIG.stage or "production"
local debugging = stage ~= "production"
print("stage", stage, "debugging", debugging)
