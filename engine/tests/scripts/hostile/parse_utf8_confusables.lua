-- expect: failure
-- attacks: identifiers of look-alike letters and bidirectional marks
local аdmin‮ = 1
return аdmin‮
