-- Ends a job that no attempt holds. It goes to `completed`, so that no "retry all" of dead letters revives it.
-- KEYS     1 job · 2 lock · 3 wait · 4 prioritized · 5 delayed · 6 completed · 7 events
-- ARGV     1 job id · 2 now ms · 3 return value as JSON, which holds the reason
-- Returns  1 cancelled · 0 not waiting (running, finished, or between two owners)
if redis.call('TYPE', KEYS[1])['ok'] ~= 'hash' or redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local id = ARGV[1]
if redis.call('ZREM', KEYS[5], id) == 0 and redis.call('ZREM', KEYS[4], id) == 0
    and redis.call('LREM', KEYS[3], -1, id) == 0 then
  return 0
end
redis.call('ZADD', KEYS[6], ARGV[2], id)
redis.call('HSET', KEYS[1], 'st', 'cancelled', 'finishedOn', ARGV[2], 'returnvalue', ARGV[3])
redis.call('XADD', KEYS[7], '*', 'event', 'completed', 'jobId', id, 'returnvalue', ARGV[3], 'prev', 'waiting')
return 1
