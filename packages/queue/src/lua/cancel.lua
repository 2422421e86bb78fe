-- Ends a job that no attempt holds, or asks the attempt that holds it to end.
-- noteLost()  of note-lost.lua
-- endCancelled()  of end-cancelled.lua
-- KEYS     1 job · 2 lock · 3 wait · 4 prioritized · 5 delayed · 6 completed · 7 events · 8 deadlines · 9 active
-- ARGV     1 job id · 2 now ms · 3 return value as JSON, which holds the reason · 4 request as JSON
--          5 channel of requests · 6 message for it
-- Returns  1 cancelled · 2 asked for; the message is out · 0 there is no such job, or it has ended
if redis.call('TYPE', KEYS[1])['ok'] ~= 'hash' or redis.call('HEXISTS', KEYS[1], 'finishedOn') == 1 then return 0 end
local id = ARGV[1]
local isFree = redis.call('EXISTS', KEYS[2]) == 0
local waits = isFree and (redis.call('ZREM', KEYS[5], id) == 1
  or redis.call('ZREM', KEYS[4], id) == 1 or redis.call('LREM', KEYS[3], -1, id) == 1)
-- Its lock ran out, and nobody has recovered it: there may be no other worker. The one that had it may still come back; it is
-- told then that the job is lost.
local isAbandoned = isFree and not waits and redis.call('LREM', KEYS[9], 1, id) == 1
if not (waits or isAbandoned) then
  -- The message may get lost: whoever renews the lock, or claims the job, looks at the field.
  redis.call('HSETNX', KEYS[1], 'cx', ARGV[4])
  redis.call('PUBLISH', ARGV[5], ARGV[6])
  return 2
end
if isAbandoned then noteLost(KEYS[1], ARGV[2]) end
endCancelled({
  base = string.sub(KEYS[1], 1, -1 - #id), completed = KEYS[6], events = KEYS[7], deadlines = KEYS[8], now = ARGV[2],
  prev = isAbandoned and 'active' or 'waiting',
}, id, ARGV[3])
return 1
