-- expect: success|failure
-- attacks: keys 1 and "1" in one table
return { [1] = "number", ["1"] = "string", [1.5] = "fraction" }
