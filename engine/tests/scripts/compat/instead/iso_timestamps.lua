local function iso(time)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", time)
end

print(iso(0), iso(1714811640))
