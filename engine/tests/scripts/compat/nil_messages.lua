-- lua: 5.1 | differs: the texts of the VM's own errors
-- uses: reading a field of nil, catching the error and logging its text
-- instead: check before, with an error of your own; never match the text of the VM's
local user = { name = "zoe" }
local function city(record)
  return record.address.city
end
print(pcall(city, user))
print(pcall(function() return user.age + 1 end))
print(pcall(function() user.save() end))

-- prints:
--> false	nil_messages.lua:6: attempt to index field 'address' (a nil value)
--> false	nil_messages.lua:9: attempt to perform arithmetic on field 'age' (a nil value)
--> false	nil_messages.lua:10: attempt to call field 'save' (a nil value)

-- prints here:
--> false	nil_messages.lua:6: attempt to index nil with 'city'
--> false	nil_messages.lua:9: attempt to perform arithmetic (add) on nil and number
--> false	nil_messages.lua:10: attempt to call a nil value (field 'save')
