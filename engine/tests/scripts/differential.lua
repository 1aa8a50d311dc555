-- Makes calls of one family of library functions from a seed, and writes down what became of each. `../differential.rs`
-- runs this in the linked Luau (where `is_reference` is set) and in Perilune, and compares.
--
-- What is different on purpose, and how it is kept out of the comparison:
--   1. A number beyond 32 bits where an integer is asked for counts as the nearest one, NaN as 0. Luau's cast of it is
--      undefined in C. `index` hands the nearest one to the reference, but for functions that are Luau's with a guard.
--   2. `os.date` is in UTC without a `!`, too. The reference is handed one.
--   3. `os.time` knows days before 1970, which are nil in Luau.
--   4. "invalid capture index" says which one, where Luau does so in some cases only.
--   5. `table.move` of a range far longer than its tables is not refused for the room that it would take, but takes its time:
--      such calls are not made.
--   6. `math.random` draws from another generator. Only errors are compared, and whether the number is in its interval.

local family, seed, calls, is_reference, is_detailed = ...

local state = seed % 2147483646 + 1
local function random(n)
	state = state * 16807 % 2147483647
	return state % n + 1
end
for _ = 1, 10 do random(2) end

local function pick(list) return list[random(#list)] end
local function one_in(n) return random(n) == 1 end

local NAN = 0 / 0
local INT_MAX, INT_MIN = 2147483647, -2147483648
local out, length = {}, 0

local function put(text)
	length = length + 1
	out[length] = text
end

local escapes = {}
for byte = 0, 255 do
	local is_plain = byte >= 32 and byte < 127 and byte ~= 34 and byte ~= 92
	escapes[byte] = is_plain and string.char(byte) or "\\" .. byte
end

local function text(s)
	if not is_detailed then return #s .. ":" .. s end
	local escaped = '"'
	for at = 1, #s do escaped = escaped .. escapes[string.byte(s, at)] end
	return escaped .. '"'
end

local show
local function show_table(t, depth)
	if depth == 0 then return "{…}" end
	local entries = {}
	for key, value in next, t do
		local entry = show(key, depth - 1) .. "=" .. show(value, depth - 1)
		local at = #entries + 1
		while at > 1 and entries[at - 1] > entry do
			entries[at] = entries[at - 1]
			at = at - 1
		end
		entries[at] = entry
	end
	local shown = "{"
	for at = 1, #entries do shown = shown .. entries[at] .. ";" end
	return shown .. "}"
end

function show(value, depth)
	local kind = type(value)
	if kind == "string" then return text(value) end
	if kind == "number" then
		if value ~= value then return "nan" end
		if value == math.floor(value) and value > -2 ^ 53 and value < 2 ^ 53 and 1 / value ~= -math.huge then
			return value .. ""
		end
		return tostring(value)
	end
	if kind == "nil" or kind == "boolean" then return tostring(value) end
	if kind == "table" then return show_table(value, depth or 3) end
	if kind == "buffer" then return "buffer " .. text(buffer.tostring(value)) end
	return kind
end

-- Cuts the last word of what difference 4 is about.
local function message(m)
	local start = "invalid capture index"
	if type(m) == "string" then
		for at = 1, #m - #start + 1 do
			if string.sub(m, at, at + #start - 1) == start then return string.sub(m, 1, at + #start - 1) end
		end
	end
	return m
end

local function record(succeeded, ...)
	put(succeeded and "ok" or "error")
	for at = 1, select("#", ...) do
		local value = select(at, ...)
		if not succeeded then value = message(value) end
		put(" ")
		put(show(value))
	end
	put("\n")
end

local function describe(name, count, ...)
	if not is_detailed then return end
	put(name .. "(")
	for at = 1, count do put((at > 1 and ", " or "") .. show((select(at, ...)))) end
	put(") -> ")
end

-- Calls with so many of five arguments, from C or from a function of Lua, whose place is then in the error.
local function call(name, f, count, a, b, c, d, e)
	describe(name, count, a, b, c, d, e)
	local g = f
	if one_in(3) then g = function(...) return f(...) end end
	if count == 0 then record(pcall(g))
	elseif count == 1 then record(pcall(g, a))
	elseif count == 2 then record(pcall(g, a, b))
	elseif count == 3 then record(pcall(g, a, b, c))
	elseif count == 4 then record(pcall(g, a, b, c, d))
	else record(pcall(g, a, b, c, d, e)) end
end

-- How many arguments to hand over: mostly all that there are.
local function count_of(most)
	if one_in(12) then return random(most + 1) - 1 end
	return most
end

local INDEXES = {
	0, 1, 2, 3, 4, 5, 7, 10, 12, 13, 14, 30, -1, -2, -3, -5, -12, -13, -30, 1.5, 2.9, -0.5, -1.9, 0.1, 1e-300, -0.0,
	INT_MAX, INT_MIN, INT_MAX - 1, INT_MAX + 1, INT_MIN - 1, 2 ^ 32, 2 ^ 32 + 1, 2 ^ 53, -2 ^ 53, 2 ^ 63, 1e300, -1e300,
	math.huge, -math.huge, NAN,
}
local function index(is_luaus)
	local number = pick(INDEXES)
	if one_in(2) then number = random(20) - 4 end
	if is_reference and not is_luaus then
		if number ~= number then return 0 end
		if number > INT_MAX then return INT_MAX end
		if number < INT_MIN then return INT_MIN end
	end
	return number
end

local noted = table.freeze(setmetatable({}, { __tostring = function() return "noted" end }))
local ODD = { true, false, 7, -1.5, "x", "", "12", " 3 ", "0x1F", table.freeze {}, noted, function() end, coroutine.create(type), type }
-- Mostly what is asked for, now and then something else.
local function odd(value)
	if one_in(30) then
		if one_in(4) then return nil end
		return pick(ODD)
	end
	return value
end
local function optional_index(is_luaus)
	if one_in(3) then return nil end
	return odd(index(is_luaus))
end

local SUBJECT = {
	"a", "b", "ab", "aa", "A", "Z", "1", "42", " ", "\t", "\n", "%", "[", "]", "(", ")", "^", "$", "-", ".", "*", "\0",
	"\127", "\128", "\195\169", "\255", "x", "_", ",", ", ", "(a(b)c)", "key=value", "http://x.y/z", '"', "\\", "\r", "\v",
}
local function subject()
	if one_in(100) then return string.rep(pick(SUBJECT), random(300)), true end
	local made = ""
	for _ = 2, random(11) do made = made .. pick(SUBJECT) end
	return made
end

local ITEMS = {
	"a", "b", "x", ".", "%a", "%d", "%s", "%w", "%p", "%x", "%z", "%g", "%c", "%l", "%u", "%A", "%D", "%S", "%W", "%P", "%Z",
	"%.", "%%", "%-", "%(", "%[", "%\0", "\0", "\255", "]", "-", "[ab]", "[^a]", "[a-z]", "[a-c1-3]", "[%a_]", "[^%s]",
	"[%a-z]", "[a-%a]", "[]]", "[^]]", "[]ab]", "[a-]", "[-a]", "[^-a]", "[z-a]", "[%]]", "[%-x]", "[+-%%]", "[\0-\127]",
	"[^\0]", "[\128-\255]", "[%", "[", "[^", "[]", "[^]", "[a", "[a-", "[%a", "[%]", "%",
}
local QUANTIFIERS = { "", "", "", "*", "+", "-", "?", "**", "+-" }
local OTHERS = {
	"()", "(", ")", "(.)", "(.-)", "(.*)", "(%a+)", "(a*(.)%w(%s*))", "((a)(b))", "(a", "b)", "(()", "())", "(^a)", "(a$)",
	"%0", "%1", "%2", "%3", "%9", "(.)%1", "(a*)%1", "()%1", "(%1)", "(.)(.)%2%1", "%b()", "%b[]", "%bab", "%baa", "%b", "%b(",
	"%b\0x", "%f[%a]", "%f[^%a]", "%f[a]", "%f[\0]", "%f[%z]", "%f", "%fa", "%f[", "%f[a", "%f[%", "$", "^", "^^", "$$", "%$",
}
local MEMBERS = { "a", "b", "%d", "%a", "%S", "%]", "%%", "%-", "a-c", "1-3", "z-a", "+-%%", "\128-\255", "\0", "-", "x", "%W", "_" }
local function long_set()
	local made = pick { "[", "[^", "[]", "[^]", "%f[", "%f[^" }
	local members = { pick(MEMBERS), pick(MEMBERS), pick(MEMBERS) }
	for _ = 1, 8 + random(20) do made = made .. pick(members) end
	return one_in(40) and made or made .. "]"
end
local function pattern(is_long)
	local kind = random(60)
	if kind == 1 then return string.rep(pick { "a*", "a-", "b*", "()", "(", "(a", "(b*)", "(b", "x?", "%f[%z]", "%b()" }, random(260)) end
	if kind == 2 then return subject() end
	local made = one_in(6) and "^" or ""
	for _ = 2, is_long and random(3) or random(7) do
		if one_in(3) then made = made .. pick(OTHERS) else made = made .. pick(ITEMS) .. pick(QUANTIFIERS) end
		if one_in(6) then made = made .. long_set() .. pick(QUANTIFIERS) end
	end
	if one_in(6) then made = made .. "$" end
	return made
end

-- The keys of a table that are not in its array come in another order in each VM, and when they move there is not the same
-- either. So a list has its array from the beginning, and what depends on an order has nothing else.

-- A list of some values, perhaps with holes.
local VALUES = { 1, 2, 3, -1, 0.5, 1e100, "a", "b", "", "ab", "\0", "12", true, false, table.freeze {}, type, noted }
local PLAIN = { 1, 2, 3, -7, 0.25, 1e15, 2 ^ 60, -0.0, "a", "b", "", "abc", "\0", "12" }
local function list(values)
	local size = random(12) - 1
	local made = table.create(size)
	for at = 1, size do
		if not one_in(25) then made[at] = pick(values) end
	end
	if one_in(8) then made[pick { 0, -1, 1.5, "key", 20, 40, INT_MAX, INT_MIN, true }] = pick(values) end
	if one_in(8) then made.n = size end
	if one_in(20) then table.freeze(made) end
	return made
end

local families = {}

local function search(name, f)
	return function()
		local s, is_long = subject()
		call(name, f, count_of(random(4)), odd(s), odd(pattern(is_long)), optional_index(), one_in(4) and pick { true, false, 1 } or nil)
	end
end
families.find = search("string.find", string.find)
families.match = search("string.match", string.match)

function families.gmatch()
	local s, is_long = subject()
	s, is_long = odd(s), odd(pattern(is_long))
	describe("string.gmatch", 2, s, is_long)
	record(pcall(function()
		local iterator, all = string.gmatch(s, is_long), {}
		for at = 1, 12 do
			local function keep(...)
				all[at] = { n = select("#", ...), ... }
				return select("#", ...) > 0
			end
			if not keep(iterator()) then break end
		end
		return all
	end))
end

local REPLACEMENTS = {
	"", "x", "%0", "%1", "%2", "%9", "%%", "<%0>", "%1%1", "%", "%a", "%\0", "a%", "\0", 12, 1.5, "%10", "[%1|%2]", "%0%0%0", "%%1",
}
local CALLBACKS = {
	function(...) return select("#", ...) end,
	function(a, b) return b end,
	function() return nil end,
	function() return false end,
	function() return true end,
	function(a) return a end,
	function(a, b) return tostring(a) .. tostring(b) end,
	function() return {} end,
	function() return type end,
	function() return 1.5 end,
	function() return 1, 2 end,
	function() end,
	function() error("boom", 0) end,
	function() error("boom") end,
	function() error() end,
	string.upper, string.len, string.rep, tostring, select,
	{}, { a = "1", b = 2, ab = "" }, { a = false, b = true }, { a = {} }, { "one", "two", [3] = 3 },
	setmetatable({}, { __index = function(_, key) return type(key) .. tostring(key) end }),
	setmetatable({}, { __index = function() error("no key", 0) end }),
	setmetatable({}, { __index = { a = "A" } }),
}
function families.gsub()
	local s, is_long = subject()
	local replacement = one_in(2) and pick(REPLACEMENTS) or pick(CALLBACKS)
	call("string.gsub", string.gsub, count_of(2 + random(2)), odd(s), odd(pattern(is_long)), odd(replacement), optional_index())
end

function families.split()
	call("string.split", string.split, count_of(random(2)), odd((subject())), odd(pick { ",", "a", "", "ab", "\0", "aa", " ", ", ", (subject()) }))
end

local CONVERSIONS = {
	"%e", "%E", "%f", "%g", "%G", "%.3f", "%10.2f", "%-10.2f", "%+.1e", "%#g", "%010.3f", "% f", "%.0f", "%99.99f", "%.f", "%5.f",
	"%q", "%5q", "%s", "%5s", "%-8s|", "%.2s", "%.0s", "%.s", "%10.3s", "%99s", "%+s", "%#s", "%*", "%*", "%5*", "%", "%%", "%%",
	"%y", "%a", "%A", "%l", "%ld", "%n", "%p", "%h", "%S", "%\0", "%\255", "%123f", "%.123f", "%5.5.5f", "%-+ #0f", "%------f", "%.",
	"%5", "%-", "text", "\0", "\195\169", "",
}
local INTEGERS = {
	"%d", "%i", "%5d", "%-5d|", "%05d", "%+d", "% d", "%.3d", "%10.4d", "%x", "%X", "%#x", "%8x", "%-8X", "%o", "%#o", "%u", "%12u",
	"%d", "%s", "%*", "%%", "%5*", "%q", " ", "%.99d", "%99i", "%-+d", "%y", "%lld",
}
local CHARACTERS = { "%c", "%5c", "%-5c", "%.3c", "%d", "%s", "%*", "-", "%05c" }
local WITHIN_32 = { 0, 1, -1, 65, 97, 255, 256, 321, -200, 1.9, INT_MAX, INT_MIN, "66", "0x41", 10, 34, 92 }
local WITHIN_64 = { 0, 1, -1, 42, 1.5, -1.5, 2 ^ 31, -2 ^ 31, 2 ^ 53, -2 ^ 53, 2 ^ 62, -2 ^ 62, 1e15, "12", "1e3" }
local ANY_NUMBER = { 0, -0.0, 1, -1, 1.5, 1 / 3, 1e300, -1e300, 5e-324, 2 ^ 53, 1e15, 1e16, 123456789.125, math.huge, -math.huge, "1e5" }
local TEXTS = {
	"", "a", "abc", "a\0b", "\r\n\"\\\0", "\195\169", "\255", string.rep("x", 99), string.rep("y", 100), string.rep("z", 600),
	string.rep("\"", 300),
}
local SHOWN = {
	noted,
	setmetatable({}, { __tostring = function() return "a\0b%d" end }),
	setmetatable({}, { __tostring = function() return 5 end }),
	setmetatable({}, { __tostring = function() error("no text", 0) end }),
	setmetatable({}, { __tostring = function() error("no text") end }),
	setmetatable({}, { __tostring = function() return string.rep("long", 200) end }),
}
function families.format()
	local made, arguments, most = "", {}, random(6) - 1
	local conversions, numbers = CONVERSIONS, ANY_NUMBER
	if one_in(3) then conversions, numbers = INTEGERS, WITHIN_64 end
	if one_in(10) then conversions, numbers = CHARACTERS, WITHIN_32 end
	if one_in(300) then
		local long = pick(conversions)
		most = 250 + random(100)
		for _ = 1, most do made = made .. long end
		if one_in(2) then made = made .. "tail" .. pick(conversions) end
	else
		for _ = 1, most do made = made .. pick(conversions) end
	end
	if one_in(30) then most = random(most + 1) - 1 end
	local is_number = one_in(2)
	for at = 1, most do
		local kind = random(8)
		if kind == 1 then arguments[at] = pick(SHOWN)
		elseif kind == 2 and one_in(2) then arguments[at] = pick { true, false }
		elseif kind == 3 and one_in(3) then arguments[at] = nil
		elseif kind < 6 and is_number or kind == 4 then arguments[at] = pick(numbers)
		elseif most > 200 and is_number then arguments[at] = pick(numbers)
		else arguments[at] = one_in(2) and pick(TEXTS) or pick(numbers) end
	end
	describe("string.format", 2, made, arguments)
	if one_in(3) then
		record(pcall(function() return string.format(made, unpack(arguments, 1, most)) end))
	elseif one_in(100) then
		record(pcall(string.format))
	else
		record(pcall(string.format, made, unpack(arguments, 1, most)))
	end
end

local CHARACTER = {
	"a", "z", "\0", "\127", "\194\128", "\195\169", "\223\191", "\224\160\128", "\226\130\172", "\237\159\191", "\238\128\128",
	"\239\191\191", "\240\144\128\128", "\240\159\152\128", "\244\143\191\191", "\128", "\191", "\192\128", "\193\191", "\194",
	"\224\159\191", "\226\130", "\237\160\128", "\237\191\191", "\240\143\191\191", "\240\159\152", "\244\144\128\128", "\248\136\128\128\128",
	"\254", "\255",
}
local VALID = 15
function families.utf8()
	local made, most = "", one_in(3) and #CHARACTER or VALID
	for _ = 2, random(9) do made = made .. CHARACTER[random(most)] end
	local kind = random(8)
	if kind == 1 then call("utf8.codepoint", utf8.codepoint, count_of(random(3)), odd(made), random(8), random(8))
	elseif kind == 2 then call("utf8.offset", utf8.offset, count_of(1 + random(2)), odd(made), random(9) - 4, random(8))
	else call("utf8.len", utf8.len, count_of(random(3)), odd(made), optional_index(), optional_index()) end
end

function families.move()
	local from, to = list(VALUES), one_in(2) and list(VALUES) or nil
	local first = one_in(8) and pick { INT_MAX - 5, INT_MAX, INT_MIN, INT_MIN + 3, -3 } or random(10) - 2
	local last, target = first + random(14) - 3, one_in(10) and pick { INT_MAX - 3, INT_MAX, INT_MIN, INT_MIN + 1 } or random(16) - 4
	if one_in(12) then first, last, target = pick { 1, 0, -1, 5, INT_MIN }, INT_MAX - random(3) + 1, pick { target, 2, 3, 6 } end
	last = last > INT_MAX and INT_MAX or last < INT_MIN and INT_MIN or last
	first, last, target = odd(first), odd(last), odd(target)
	-- Difference 5.
	local function whole(number) return number and (number < 0 and math.ceil(number) or math.floor(number)) end
	local from_number, to_number, target_number = whole(tonumber(first)), whole(tonumber(last)), whole(tonumber(target))
	if from_number and to_number and target_number then
		local size = to_number - from_number + 1
		local is_refused = from_number <= 0 and to_number >= INT_MAX + from_number or target_number > INT_MAX - size + 1
		if size > 60 and not is_refused then last = first end
	end
	local count = count_of(5)
	describe("table.move", count, from, first, last, target, to)
	local arguments = { odd(from), first, last, target, odd(to) }
	-- What was changed, with the result.
	record(pcall(function()
		local result = table.move(unpack(arguments, 1, count))
		return rawequal(result, from), rawequal(result, to), from, to
	end))
	put(show(from) .. show(to) .. "\n")
end

function families.concat()
	call("table.concat", table.concat, count_of(random(4)), odd(list(one_in(6) and VALUES or PLAIN)), odd(pick { "", ",", ", ", "\0", 1, 2.5 }), optional_index(), optional_index())
end

function families.table_find()
	local equal = setmetatable({}, { __eq = function() return true end })
	local values = list(VALUES)
	if one_in(6) and not table.isfrozen(values) then
		values[random(6)] = setmetatable({}, getmetatable(equal))
		call("table.find", table.find, 3, values, equal, index())
		return
	end
	call("table.find", table.find, count_of(1 + random(2)), odd(values), pick(VALUES), optional_index())
end

function families.unpack()
	local values = list(VALUES)
	local first, last = index(), index()
	if last - first > 100 and last - first < 2 ^ 30 then last = first + 40 end
	if one_in(3) then first = nil end
	if one_in(3) or first == nil and last > 100 and last < 2 ^ 30 then last = nil end
	call("unpack", one_in(2) and unpack or table.unpack, count_of(random(3)), odd(values), odd(first), odd(last))
end

function families.foreach()
	local kind = one_in(2) and "foreach" or "foreachi"
	local values, seen, stop = list(VALUES), {}, math.huge
	if one_in(2) then
		values, stop = { pick(VALUES), pick(VALUES), pick(VALUES), pick(VALUES) }, random(6)
	end
	local count = 0
	-- Others than `visit` go by what comes first.
	local function visitor(visit)
		if stop == math.huge then return visit end
		return odd(one_in(6) and pick { rawequal, type, select, rawlen } or visit)
	end
	local function visit(key, value)
		count = count + 1
		seen[count <= stop and key or "late"] = { value }
		if count == stop and one_in(2) then
			if one_in(3) then error("enough", 0) end
			return pick { 1, "stopped", false, true }, 2
		end
	end
	call("table." .. kind, table[kind], count_of(2), odd(values), visitor(visit))
	put(count .. show(seen) .. "\n")
end

local COMPARATORS = {
	function(a, b) return a < b end,
	function(a, b) return a > b end,
	function(a, b) return tostring(a) < tostring(b) end,
	function() return true end,
	function() return false end,
	function() return nil end,
	function() return 0 end,
	function() error("can't compare", 0) end,
	function(a, b) return a ~= b end,
	rawequal, rawlen, type, string.rep, select, math.max, math.noise, string.len,
}
function families.sort()
	local values, kind = nil, random(6)
	local size = one_in(4) and random(120) or random(12)
	values = table.create(size)
	local from = kind == 1 and VALUES or kind == 2 and PLAIN or kind == 3 and { "a", "b", "", "ab", "\0", "\255", "B" } or nil
	for at = 1, size do values[at] = from and pick(from) or random(kind == 4 and 5 or 1000) end
	if one_in(15) then values[random(size)] = nil end
	if one_in(20) then values[random(size)] = NAN end
	if one_in(20) then table.freeze(values) end
	local less = nil
	if one_in(2) then less = pick(COMPARATORS) end
	if one_in(30) then less = function(a, b) values[#values + 1] = 1 return a < b end end
	call("table.sort", table.sort, count_of(random(3)), odd(values), odd(less))
	put(show(values) .. "\n")
end

local DIGITS = {
	"0", "1", "7", "9", "a", "f", "F", "z", "Z", "x", "X", "0x", "0b", ".", "e", "E", "p", "+", "-", " ", "\t", "\0", "_", "inf", "nan",
	"1e5", "0x1p4", "12345678901234567890", "\195\169", "n", "",
}
function families.tonumber()
	local made = ""
	for _ = 1, random(5) do made = made .. pick(DIGITS) end
	local base = pick { 2, 8, 10, 16, 36, 37, 1, 0, -1, 10.5 }
	if one_in(3) then base = index() end
	if one_in(2) then call("tonumber", tonumber, count_of(1), odd(made)) else call("tonumber", tonumber, count_of(2), odd(made), odd(base)) end
end

function families.rawset()
	local t = one_in(3) and setmetatable({ 1, 2 }, { __newindex = function() error("called", 0) end }) or list(VALUES)
	local key = pick { 1, 2, 3, 0, -1, 1.5, "key", "", "\0", true, NAN, math.huge }
	if one_in(10) then key = nil end
	call("rawset", rawset, count_of(3), odd(t), key, odd(pick(VALUES)))
	put(show(t) .. "\n")
	call("next", next, count_of(random(2)), odd({ 1, pick(VALUES), "x" }), one_in(2) and pick { 1, 2, 3, 4, 0, "key", 1.5, NAN } or nil)
end

local LETTERS = { "a", "A", "b", "B", "c", "d", "H", "I", "j", "m", "M", "p", "S", "U", "w", "W", "x", "X", "y", "Y", "z", "Z", "%" }
local function date_format()
	local made = ""
	for _ = 2, random(5) do
		local kind = random(40)
		if kind == 1 then made = made .. "%" .. string.char(random(256) - 1)
		elseif kind == 2 then made = made .. pick { "%", "\0", "!", "*t", "\195\169", "\255" }
		elseif kind < 8 then made = made .. pick { "-", "T", " ", ":" }
		else made = made .. "%" .. pick(LETTERS) end
	end
	return made
end
-- From the year 1000 on: how C writes those before is not the same everywhere.
local FIRST, LAST = -30610224000, 253402300799 + 2 ^ 40
local function moment()
	if one_in(4) then return random(2147483647) + pick { 0, 0.5, -2147483648, 2147483647 } end
	if one_in(20) then return pick { 0, -1, 86399, 86400, -86400, 951782400, 951868799, 68169600, 4102444799, 253402300799, -2203891200 } end
	return FIRST + (random(2147483646) * 128 + random(128)) % (LAST - FIRST)
end
local function date(format, time)
	if is_reference and type(format) ~= "nil" and string.sub(format, 1, 1) ~= "!" then format = "!" .. format end
	if is_reference and format == nil then format = "!%c" end
	return os.date(format, time)
end
local function field(least, most)
	if one_in(20) then return pick { -1, 0, 100, 1000, -1000, 1.9, -1.9, "5", "x", true, 86400 } end
	if one_in(60) then return nil end
	return least + random(most - least + 1) - 1
end
function families.os()
	if one_in(2) then
		local time = moment()
		local format = one_in(8) and "*t" or date_format()
		if one_in(30) then format = nil end
		if one_in(40) then time = pick { NAN, math.huge, -math.huge, 2 ^ 80, -2 ^ 80, "12", "x", true } end
		if type(format) == "string" and one_in(3) then format = "!" .. format end
		describe("os.date", 2, format, time)
		record(pcall(date, format, time))
	else
		local t = {
			year = field(1900, 9999), month = field(1, 12), day = field(1, 31), hour = field(0, 23), min = field(0, 59), sec = field(0, 60),
			isdst = pick { true, false },
		}
		local argument = odd(t)
		if argument == nil then argument = 1 end
		describe("os.time", 1, argument)
		record(pcall(function()
			local time = os.time(argument)
			local midnight = os.time { year = t.year, month = t.month, day = t.day, hour = 0 }
			if argument == t and (time or -1) < 0 or (midnight or -1) < 0 then return nil end
			return time
		end))
	end
end

local PACKS = { "b", "B", "h", "H", "l", "L", "j", "J", "T", "f", "d", "n", "i", "I", "i3", "I8", "i16", "i17", "i0", "s", "s1", "s4", "z", "x", "X", "Xi4", "c3", "c", "<", ">", "=", "!", "!4", "!3", " ", "y", "\0" }
local function pack_format()
	local made = ""
	for _ = 1, random(4) do made = made .. pick(PACKS) end
	return made
end
local function small() return one_in(10) and pick { -1, 0, 1.5, NAN } or random(20) - 1 end
function families.guarded()
	local s, t = odd((subject())), odd(list(VALUES))
	local b = buffer.fromstring(subject())
	local kind = random(21)
	if kind == 1 then call("string.lower", string.lower, count_of(1), s)
	elseif kind == 2 then call("string.upper", string.upper, count_of(1), s)
	elseif kind == 3 then call("string.reverse", string.reverse, count_of(1), s)
	elseif kind == 4 then call("string.sub", string.sub, count_of(1 + random(2)), s, optional_index(true), optional_index(true))
	elseif kind == 5 then call("string.rep", string.rep, count_of(2), s, odd(small()))
	elseif kind == 6 then call("string.pack", string.pack, count_of(random(4)), odd(pack_format()), odd(small()), odd(small()), s)
	elseif kind == 7 then call("string.packsize", string.packsize, count_of(1), odd(pack_format()))
	elseif kind == 8 then call("string.unpack", string.unpack, count_of(1 + random(2)), odd(pack_format()), s, optional_index(true))
	elseif kind == 9 then call("table.create", table.create, count_of(random(2)), odd(small()), pick(VALUES))
	elseif kind == 10 then call("table.clone", table.clone, count_of(1), t)
	elseif kind == 11 then call("table.clear", table.clear, count_of(1), t)
	elseif kind == 12 then call("table.insert", table.insert, count_of(1 + random(2)), t, odd(random(12) - 3), pick(VALUES))
	elseif kind == 13 then call("table.remove", table.remove, count_of(random(2)), t, odd(random(12) - 3))
	elseif kind == 14 then call("table.maxn", table.maxn, count_of(1), t)
	elseif kind == 15 then call("table.pack", table.pack, count_of(random(5)), 1, nil, s, nil, t)
	elseif kind == 16 then call("buffer.fromstring", buffer.fromstring, count_of(1), s)
	elseif kind == 17 then call("buffer.tostring", buffer.tostring, count_of(1), odd(b))
	elseif kind == 18 then call("buffer.readstring", buffer.readstring, count_of(3), odd(b), odd(small()), odd(small()))
	elseif kind == 19 then call("buffer.copy", buffer.copy, count_of(2 + random(3)), odd(b), odd(small()), odd(buffer.create(8)), odd(small()), odd(small()))
	elseif kind == 20 then call("buffer.fill", buffer.fill, count_of(2 + random(2)), odd(b), odd(small()), odd(random(255)), odd(small()))
	else call("error", error, count_of(random(2)), pick(VALUES), odd(random(4) - 1)) end
	if kind > 10 and kind < 14 then put(show(t) .. "\n") end
	if kind > 18 and kind < 21 then put(show(b) .. "\n") end
end

function families.random()
	local low, high = odd(random(20) - 10), odd(random(20) - 10)
	local function within(...)
		local drawn = math.random(...)
		local count = select("#", ...)
		local least, most = 0, 1
		if count == 1 then least, most = 1, tonumber((...)) end
		if count == 2 then least, most = tonumber((...)), tonumber((select(2, ...))) end
		return drawn >= math.floor(least) and drawn <= math.ceil(most)
	end
	call("math.random", within, count_of(random(3) - 1), low, high, 1)
	call("math.randomseed", math.randomseed, count_of(1), odd(random(1000)))
end

local make = families[family]
for _ = 1, calls do make() end
return table.concat(out)
