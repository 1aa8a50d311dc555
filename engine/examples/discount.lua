-- Prices an order: every discount that the shop's rules grant, the shipping, and the total.
--
-- POST is the order, `code` (in the query or the body) a coupon, CONFIG the rules. Money is whole cents, so that
-- adding is exact; percentages are rounded to the cent, half a cent in the customer's favour.

type Line = { sku: string, category: string, price: number, count: number }

local function percent_of(amount: number, percent: number): number
	return math.floor(amount * percent / 100 + 0.5)
end

local function euros(cents: number): string
	return string.format("%d.%02d", cents // 100, cents % 100)
end

local function is_whole(value: any): boolean
	return type(value) == "number" and value % 1 == 0
end

-- Everything that is wrong with the order, so that a client can show it at once.
local function problems_of(order): { string }
	local problems = {}
	if order.currency ~= CONFIG.currency then
		table.insert(problems, `currency: expected {CONFIG.currency}`)
	end
	if type(order.placed_at) ~= "string" or not string.match(order.placed_at, "^%d%d%d%d%-%d%d%-%d%d") then
		table.insert(problems, "placed_at: expected a date")
	end
	if type(order.lines) ~= "table" or #order.lines == 0 then
		table.insert(problems, "lines: expected at least one")
		return problems
	end
	for at, line in order.lines do
		if type(line) ~= "table" then
			table.insert(problems, `lines[{at}]: expected an object`)
			continue
		end
		if type(line.sku) ~= "string" then
			table.insert(problems, `lines[{at}].sku: expected a text`)
		end
		if not is_whole(line.price) or line.price < 0 then
			table.insert(problems, `lines[{at}].price: expected whole cents`)
		end
		if not is_whole(line.count) or line.count < 1 then
			table.insert(problems, `lines[{at}].count: expected 1 or more`)
		end
	end
	return problems
end

local problems = problems_of(POST)
if #problems > 0 then
	return { ok = false, problems = problems }
end

-- What discounts apply to: gift cards are money, and money has no discount.
local subtotal, discountable = 0, 0
local excluded = {}
for _, category in CONFIG.excluded do
	excluded[category] = true
end
local lines: { Line } = POST.lines
for _, line in lines do
	local amount = line.price * line.count
	subtotal += amount
	if not excluded[line.category] then
		discountable += amount
	end
end

-- Each rule returns its amount and why, or nothing. They are tried in this order.
local rules = {}

function rules.bundle()
	local bundle, amount = CONFIG.bundle, 0
	for _, line in lines do
		if line.category == bundle.category then
			amount += line.count // bundle.count * line.price
		end
	end
	return amount, `{bundle.count} {bundle.category}s for the price of {bundle.count - 1}`
end

function rules.volume()
	local best = 0
	for _, step in CONFIG.volume do
		if discountable >= step.from then
			best = math.max(best, step.percent)
		end
	end
	return percent_of(discountable, best), `{best} % from {euros(discountable)}`
end

function rules.tier()
	local tier = if type(POST.customer) == "table" then POST.customer.tier else nil
	local percent = CONFIG.tiers[tier or "none"] or 0
	return percent_of(discountable, percent), `{percent} % for {tier} customers`
end

function rules.coupon()
	local code = ARGS.code
	if type(code) ~= "string" then
		return 0
	end
	local coupon = CONFIG.coupons[string.upper(code)]
	-- Dates as YYYY-MM-DD compare as text.
	if not coupon or string.sub(POST.placed_at, 1, 10) > coupon.last_day then
		warn("coupon refused: ", code)
		return 0
	end
	return percent_of(discountable, coupon.percent), `{coupon.percent} % with {string.upper(code)}`
end

local discounts, discount = json.array(), 0
local most = percent_of(discountable, CONFIG.most_percent)
for _, name in { "bundle", "volume", "tier", "coupon" } do
	local amount, reason = rules[name]()
	amount = math.min(amount, most - discount)
	if amount > 0 then
		discount += amount
		table.insert(discounts, { rule = name, amount = amount, reason = reason })
		print(string.format("%-8s %8s  %s", name, "-" .. euros(amount), reason))
	end
end

local shipping = if subtotal - discount >= CONFIG.shipping.free_from then 0 else CONFIG.shipping.price
return {
	ok = true,
	order = POST.id,
	currency = CONFIG.currency,
	subtotal = subtotal,
	discounts = discounts,
	shipping = shipping,
	total = subtotal - discount + shipping,
}
