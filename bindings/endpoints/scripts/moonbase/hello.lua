-- Greets a monster.
-- It reads its name from ARGS.
print('Hello', ARGS.monster)
