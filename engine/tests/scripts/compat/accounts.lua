-- lua: 5.1 | runs
-- uses: classes with metatables, inheritance, error with a table, pcall
local Account = {}
Account.__index = Account

function Account.new(class, owner)
  return setmetatable({ owner = owner, balance = 0 }, class)
end

function Account:deposit(amount)
  self.balance = self.balance + amount
end

function Account:withdraw(amount)
  if amount > self:limit() then
    error({ code = "insufficient", missing = amount - self:limit() })
  end
  self.balance = self.balance - amount
end

function Account:limit() return self.balance end

local Credit = setmetatable({}, { __index = Account })
Credit.__index = Credit
function Credit:limit() return self.balance + 100 end

for _, class in ipairs { Account, Credit } do
  local account = Account.new(class, "zoe")
  account:deposit(50)
  local ok, problem = pcall(account.withdraw, account, 120)
  print(ok, account.balance, ok or problem.code, ok or problem.missing)
end

-- prints:
--> false	50	insufficient	70
--> true	-70	true	true
