-- Puts dead letters aside for good. They keep their status, and move to `completed` so that nothing revives them.
-- noteEvents()  of note-events.lua
-- KEYS     1 failed · 2 completed · 3 dead letters that are not in the history yet · 4 those that it does not keep
-- ARGV     1 key base · 2 now ms · 3 event as JSON · 4… job ids
-- Returns  the ids of those that were discarded
local moved = {}
for i = 4, #ARGV do
  local id = ARGV[i]
  local job = ARGV[1] .. id
  if redis.call('TYPE', job)['ok'] == 'hash' and redis.call('ZREM', KEYS[1], id) == 1 then
    redis.call('ZADD', KEYS[2], ARGV[2], id)
    redis.call('ZREM', KEYS[3], id)
    redis.call('ZREM', KEYS[4], id)
    redis.call('HSET', job, 'discardedAt', ARGV[2])
    noteEvents(job, ARGV[3])
    moved[#moved + 1] = id
  end
end
return moved
