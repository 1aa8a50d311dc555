local function settings()
  return { host = "example.com", port = 8080 }
end

print(settings().host, settings().port, host)
