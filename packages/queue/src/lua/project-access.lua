-- Writes who may do what, unless Redis has the same or something later.
-- KEYS     1 snapshot · 2 its revision
-- ARGV     1 revision · 2 snapshot as JSON
-- Returns  1 it was written · 0 it was not
-- Either could have been lost without the other: then it counts as none.
local known = redis.call('EXISTS', KEYS[1]) == 1 and tonumber(redis.call('GET', KEYS[2])) or -1
if known >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[1])
return 1
