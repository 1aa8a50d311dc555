-- expect: success
-- attacks: require, if there at all, opens no file
if require then
	for _, path in { "/etc/passwd", "../../../etc/passwd", "./script", "@self", "", "\0", string.rep("../", 1e4) } do
		assert(not pcall(require, path))
	end
end
