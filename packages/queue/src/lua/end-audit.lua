-- Writes down what became of a change, beside its entry. If that is no longer there, the history took it or Redis lost it: it
-- is written again, with the time that it had.
-- KEYS     1 entries · 2 outcomes
-- ARGV     1 id · 2 place of the entry in the stream · 3 when it was written, in ms since 1970 · 4 entry as JSON
--          5 outcome as JSON · 6 `1` to be written also if Redis is full
-- Returns  1 it stands beside its entry · 2 the entry was written again · 0 it was there already
if ARGV[6] == '1' then redis.call('PERSIST', KEYS[1]) end -- see begin-audit.lua
if redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[5]) == 0 then return 0 end
local there = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if there and there[2][2] == ARGV[1] then return 1 end
redis.call('XADD', KEYS[1], '*', 'id', ARGV[1], 'begin', ARGV[4], 'at', ARGV[3])
return 2
