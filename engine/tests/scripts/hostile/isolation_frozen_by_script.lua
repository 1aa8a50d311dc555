-- expect: success
-- attacks: freezing shared tables must not harm the next run
for _, t in { _G, ARGS, GET, POST, CONFIG, META, string, io } do pcall(table.freeze, t) end
