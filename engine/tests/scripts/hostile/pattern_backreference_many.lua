-- expect: timeout
-- attacks: several back-references to long captures
return string.find(string.rep("ab", 20000), "(.+)(.+)%1%2%1c")
