return ('x'):rep(20000)
