-- expect: memory_limit|timeout
-- attacks: text of 10 MB that decodes to millions of tables
return #json.decode("[" .. string.rep("[],", 3.3e6) .. "[]]")
