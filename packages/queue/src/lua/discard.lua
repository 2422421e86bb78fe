-- Puts dead letters aside for good. They keep their status, and move to `completed` so that nothing revives them.
-- KEYS     1 failed · 2 completed
-- ARGV     1 key base · 2 now ms · 3 event as JSON · 4… job ids
-- Returns  the ids of those that were discarded
local moved = {}
for i = 4, #ARGV do
  local id = ARGV[i]
  local job = ARGV[1] .. id
  if redis.call('TYPE', job)['ok'] == 'hash' and redis.call('ZREM', KEYS[1], id) == 1 then
    redis.call('ZADD', KEYS[2], ARGV[2], id)
    local f = redis.call('HMGET', job, 'ats', 'ev')
    local event = string.sub(ARGV[3], 1, -2) .. ',"after":' .. (f[1] or 0) .. '}'
    redis.call('HSET', job, 'discardedAt', ARGV[2], 'ev', (f[2] or '') .. event .. '\n')
    moved[#moved + 1] = id
  end
end
return moved
