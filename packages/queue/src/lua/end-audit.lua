-- Writes down what became of a change, beside its entry. If that is no longer there, the history has it: the outcome
-- follows it as an entry of its own.
-- KEYS     1 entries · 2 outcomes
-- ARGV     1 id · 2 place of the entry in the stream · 3 outcome as JSON
-- Returns  1 it stands beside its entry · 2 it follows it · 0 it was there already
redis.call('PERSIST', KEYS[1]) -- see begin-audit.lua
if #redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2]) == 1 then return redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[3]) end
redis.call('XADD', KEYS[1], '*', 'id', ARGV[1], 'end', ARGV[3])
return 2
