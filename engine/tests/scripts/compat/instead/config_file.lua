local function load_config()
  return { retries = CONFIG.retries or 3 }
end

print(load_config().retries)
