-- lua: 5.4 | runs
-- uses: xpcall with arguments and a handler, errors that are objects, error(…, 0)
local HttpError = {}
HttpError.__index = HttpError
HttpError.__tostring = function(self) return self.status .. " " .. self.reason end

local function fail(status, reason)
  error(setmetatable({ status = status, reason = reason }, HttpError))
end

local function handler(problem)
  if getmetatable(problem) == HttpError then return problem end
  return setmetatable({ status = 500, reason = tostring(problem) }, HttpError)
end

local routes = {
  ["/user"] = function(id) return id == 7 and "zoe" or fail(404, "no user " .. id) end,
  ["/crash"] = function() error("out of paper", 0) end,
}
for _, call in ipairs { { "/user", 7 }, { "/user", 8 }, { "/crash" } } do
  local ok, result = xpcall(routes[call[1]], handler, table.unpack(call, 2))
  print(ok, tostring(result), type(result) == "table" and result.status)
end

-- prints:
--> true	zoe	false
--> false	404 no user 8	404
--> false	500 out of paper	500
