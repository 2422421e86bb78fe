-- Begins to decide the ticks of a slot in a queue: whoever did so before can no more.
-- KEYS     1 last decided tick of each schedule · 2 fences · 3 ticks that wait
-- ARGV     1 slot · 2 token · 3… schedules
-- Returns  0 the slot is another's now, or for each schedule: its last decided tick or nil, and the ticks that wait or nil
if tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or 0) > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local found = {}
for i = 3, #ARGV do
  found[#found + 1] = redis.call('HGET', KEYS[1], ARGV[i])
  found[#found + 1] = redis.call('HGET', KEYS[3], ARGV[i])
end
return found
