-- Puts dead letters aside for good. They keep their status, and move to `completed` so that nothing revives them.
-- KEYS     1 failed · 2 completed
-- ARGV     1 key base · 2 now ms · 3 event as JSON · 4… job ids
-- Returns  how many were discarded
local moved = 0
for i = 4, #ARGV do
  local id = ARGV[i]
  local job = ARGV[1] .. id
  if redis.call('EXISTS', job) == 1 and redis.call('ZREM', KEYS[1], id) == 1 then
    redis.call('ZADD', KEYS[2], ARGV[2], id)
    redis.call('HSET', job, 'discardedAt', ARGV[2], 'ev', (redis.call('HGET', job, 'ev') or '') .. ARGV[3] .. '\n')
    moved = moved + 1
  end
end
return moved
