-- Gives an operation whose lease has run out to whoever asks for one. The token that comes with it is greater than all
-- before, and fences out whoever had the lease.
-- KEYS     1 operations to drive, by the end of their leases
-- ARGV     1 key base of operations · 2 who asks · 3 length of the lease (ms)
-- Returns  {id, token} · nothing if there is none
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)) do
  local operation = ARGV[1] .. id
  if redis.call('EXISTS', operation) == 1 then
    redis.call('HSET', operation, 'owner', ARGV[2])
    redis.call('ZADD', KEYS[1], now + ARGV[3], id)
    return {id, redis.call('HINCRBY', operation, 'token', 1)}
  end
  -- Its record has run out.
  redis.call('ZREM', KEYS[1], id)
end
return false
