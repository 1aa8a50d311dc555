-- expect: success
-- attacks: assigning to library names as plain globals
print = nil
string = {}
pcall = error
tostring = function() return "owned" end
json = nil
leaked_global = "from the hostile run"
