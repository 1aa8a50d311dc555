-- expect: success
-- attacks: texts that fill the memory limit nearly, read and replaced, so that work space beside the heap would show
local size = 6 * 2 ^ 20
local text = '"' .. string.rep('x', size) .. '"'
assert(#json.decode(text) == size)
text = '"' .. string.rep('\\u0041', size / 48) .. '"'
assert(#json.decode(text) == size / 48)
assert(#string.gsub(string.rep('ab', 2 ^ 16), 'a', string.rep('x', 90)) == 91 * 2 ^ 16)
assert(#string.format('%s%s', string.rep('y', size / 2), string.rep('z', size / 2)) == size)
