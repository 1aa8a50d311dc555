-- expect: timeout
-- attacks: generic for driving string.rep on its own growing control value
for s in function(_, c) return if #c > 1000 then "x" else string.rep(c, 2) end, nil, "x" do end
