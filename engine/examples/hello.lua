-- Greets a monster, and shows what came in.
-- ARGS.monster finds the name wherever it came from: the query, the body, or the body's `payload`.
print("Hello", ARGS.monster)
print("ARGS: " .. json.encode(ARGS))
print("GET: " .. json.encode(GET))
print("POST: " .. json.encode(POST))
