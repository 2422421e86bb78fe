-- Ends a job that no attempt holds, or asks the attempt that holds it to end.
-- One that ends here goes to `completed`, so that no "retry all" of dead letters revives it.
-- noteEnd()  of note-end.lua
-- KEYS     1 job · 2 lock · 3 wait · 4 prioritized · 5 delayed · 6 completed · 7 events · 8 deadlines
-- ARGV     1 job id · 2 now ms · 3 return value as JSON, which holds the reason · 4 request as JSON
--          5 channel of requests · 6 message for it
-- Returns  1 cancelled · 2 asked for; the message is out · 0 there is no such job, or it has ended
if redis.call('TYPE', KEYS[1])['ok'] ~= 'hash' or redis.call('HEXISTS', KEYS[1], 'finishedOn') == 1 then return 0 end
local id = ARGV[1]
local waits = redis.call('EXISTS', KEYS[2]) == 0 and (redis.call('ZREM', KEYS[5], id) == 1
  or redis.call('ZREM', KEYS[4], id) == 1 or redis.call('LREM', KEYS[3], -1, id) == 1)
if not waits then
  -- The message may get lost: whoever renews the lock, or claims the job, looks at the field.
  redis.call('HSETNX', KEYS[1], 'cx', ARGV[4])
  redis.call('PUBLISH', ARGV[5], ARGV[6])
  return 2
end
redis.call('ZADD', KEYS[6], ARGV[2], id)
redis.call('HSET', KEYS[1], 'st', 'cancelled', 'finishedOn', ARGV[2], 'returnvalue', ARGV[3])
noteEnd(KEYS[1], id, KEYS[8])
redis.call('XADD', KEYS[7], 'MAXLEN', '~', 10000, '*', 'event', 'completed', 'jobId', id, 'returnvalue', ARGV[3],
  'prev', 'waiting', 'st', 'cancelled')
return 1
