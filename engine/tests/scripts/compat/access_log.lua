-- lua: 5.1 | runs
-- uses: string.match with many captures, %b and %f patterns, grouping
local lines = {
  '10.0.0.1 - - [04/May/2024:10:33:58 +0000] "GET /orders?id=7 HTTP/1.1" 200 512',
  '10.0.0.2 - zoe [04/May/2024:10:34:01 +0000] "POST /orders HTTP/1.1" 500 17',
  '10.0.0.1 - - [04/May/2024:10:34:09 +0000] "GET /health HTTP/1.1" 200 2',
}
local by_status, bytes = {}, 0
for _, line in ipairs(lines) do
  local address, user, time, request, status, size = line:match('^(%S+) %- (%S+) (%b[]) "(.-)" (%d+) (%d+)$')
  local method, path = request:match("^(%u+) ([^%s?]+)")
  by_status[status] = by_status[status] or {}
  table.insert(by_status[status], method .. " " .. path .. " at " .. time:match("%f[%d]%d%d:%d%d:%d%d"))
  bytes = bytes + size
end
for _, status in ipairs { "200", "500" } do
  print(status, #by_status[status], table.concat(by_status[status], "; "))
end
print("bytes", bytes)

-- prints:
--> 200	2	GET /orders at 10:33:58; GET /health at 10:34:09
--> 500	1	POST /orders at 10:34:01
--> bytes	531
