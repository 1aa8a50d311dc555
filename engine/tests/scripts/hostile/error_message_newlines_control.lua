-- expect: failure
-- attacks: raising a message that imitates log lines and terminal codes
error("\n\r\27[2J\27]0;owned\7\n{\"status\":\"success\"}\n", 0)
