-- Renders a page from a template: the status of an order, for a customer.
--
-- Tags: {{name}} is replaced by the value, escaped; {{each list}} … {{end}} repeats its inside for each element, whose
-- members are names in there; {{if name}} … {{end}} keeps its inside when the value is there. A name may be a path.
-- Escaped text is safe between tags and in quoted attributes; an address that a stranger gave needs its scheme checked.

local TEMPLATE = [[
<!doctype html>
<html lang="en">
<title>Order {{order.id}}</title>
<h1>Thank you, {{customer.name}}</h1>
<table>
{{each lines}}<tr><td>{{count}} ×</td><td>{{title}}</td><td>{{amount}}</td></tr>
{{each notes}}<tr><td></td><td colspan="2"><em>{{text}}</em></td></tr>
{{end}}{{end}}<tr><td></td><td>Total</td><td>{{total}}</td></tr>
</table>
{{if tracking}}<p><a href="{{tracking.url}}">Parcel {{tracking.number}}</a></p>
{{end}}{{if pickup}}<p>Ready at {{pickup.shop}}</p>
{{end}}</html>
]]

local ENTITIES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

local function escape(text: string): string
	return (string.gsub(text, `[&<>"']`, ENTITIES))
end

-- A template as a tree: texts, and tags with what is inside of them.
local function parse(template: string)
	local root = { inside = {} }
	local open = { root }
	local at = 1
	for before, tag, after in string.gmatch(template, "(.-){{%s*(.-)%s*}}()") do
		local inside = open[#open].inside
		table.insert(inside, before)
		local block, name = string.match(tag, "^(%l+)%s+(.+)$")
		if tag == "end" then
			table.remove(open)
			assert(#open > 0, "{{end}} without a beginning")
		elseif block then
			local node = { block = block, name = name, inside = {} }
			table.insert(inside, node)
			table.insert(open, node)
		else
			table.insert(inside, { name = tag, inside = {} })
		end
		at = after
	end
	assert(#open == 1, "an {{end}} is missing")
	table.insert(root.inside, string.sub(template, at))
	return root
end

-- The value of a path such as `customer.name`; nil for what is not there or null.
local function lookup(scope, path: string)
	local value = scope
	for _, name in string.split(path, ".") do
		value = if type(value) == "table" then value[name] else nil
	end
	return if value == json.null then nil else value
end

local function render(node, scope, out: { string })
	for _, part in node.inside do
		if type(part) == "string" then
			table.insert(out, part)
			continue
		end
		local value = lookup(scope, part.name)
		if part.block == "if" then
			if value then
				render(part, scope, out)
			end
		elseif part.block == "each" then
			for _, element in value or {} do
				-- The element's own names first, then those around it. POST stays as it is.
				render(part, setmetatable(table.clone(element), { __index = scope }), out)
			end
		elseif value ~= nil then
			table.insert(out, escape(tostring(value)))
		else
			warn("no value for ", part.name)
		end
	end
end

local function money(cents: number): string
	return string.format("%d.%02d %s", cents // 100, cents % 100, POST.currency)
end

-- What the page shows, made from what the shop sent.
local view = table.clone(POST)
view.lines = {}
for _, line in POST.lines do
	local shown = table.clone(line)
	shown.amount = money(line.price * line.count)
	table.insert(view.lines, shown)
end
view.total = money(POST.total)

local out = {}
render(parse(TEMPLATE), view, out)
set_response{ content_type = "text/html; charset=utf-8", content = table.concat(out) }
