local function settings()
  return { server = "example.com", port = 8080 }
end

print(settings().server, settings().port, server)
