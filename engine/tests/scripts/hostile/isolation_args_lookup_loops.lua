-- expect: success
-- attacks: ARGS whose parts are replaced by ARGS itself
pcall(function() ARGS.GET = ARGS end)
pcall(function() ARGS.POST = ARGS end)
pcall(rawset, ARGS, "GET", setmetatable({}, { __index = ARGS }))
pcall(function() return ARGS.nothing end)
pcall(function() return ARGS[0 / 0], ARGS[{}], ARGS[print] end)
