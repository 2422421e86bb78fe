-- Ends a job that no attempt holds, or asks the attempt that holds it to end.
-- noteLost()  of note-lost.lua
-- endCancelled()  of end-cancelled.lua
-- KEYS     1 job · 2 lock · 3 wait · 4 prioritized · 5 delayed · 6 completed · 7 events · 8 deadlines · 9 active
--          10 marker · 11 meta
-- ARGV     1 job id · 2 now ms · 3 return value as JSON, which holds the reason · 4 request as JSON
--          5 channel of requests · 6 message for it · 7 ms within which a process that lives renews its locks
-- Returns  1 cancelled · 2 asked for; the message is out · 0 there is no such job, or it has ended
if redis.call('TYPE', KEYS[1])['ok'] ~= 'hash' or redis.call('HEXISTS', KEYS[1], 'finishedOn') == 1 then return 0 end
local id = ARGV[1]
local isFree = redis.call('EXISTS', KEYS[2]) == 0
local waits = isFree and (redis.call('ZREM', KEYS[5], id) == 1
  or redis.call('ZREM', KEYS[4], id) == 1 or redis.call('LREM', KEYS[3], -1, id) == 1)
-- Its lock ran out, and nobody has recovered it: there may be no other worker. But Redis may have hung, and its process live:
-- from the first request that finds it so, that has time to renew the lock, which removes the note (renew-locks.lua).
local function isAbandoned()
  if not isFree then return false end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSETNX', KEYS[1], 'cs', now)
  local since = tonumber(redis.call('HGET', KEYS[1], 'cs')) or 0
  return now - since >= tonumber(ARGV[7]) and redis.call('LREM', KEYS[9], 1, id) == 1
end

if not waits then
  -- The message may get lost: whoever renews the lock, or claims the job, looks at the field.
  if redis.call('HSETNX', KEYS[1], 'cx', ARGV[4]) == 1 then redis.call('HDEL', KEYS[1], 'cs') end
  if not isAbandoned() then
    redis.call('PUBLISH', ARGV[5], ARGV[6])
    return 2
  end
  -- The process may still come back; it is told then that the job is lost.
  noteLost(KEYS[1], ARGV[2])
  -- In a queue with a limit of jobs at the same time there is room for another now.
  if redis.call('HEXISTS', KEYS[11], 'paused') == 0 then redis.call('ZADD', KEYS[10], 0, '0') end
end
endCancelled({
  base = string.sub(KEYS[1], 1, -1 - #id), completed = KEYS[6], events = KEYS[7], deadlines = KEYS[8], now = ARGV[2],
  prev = waits and 'waiting' or 'active',
}, id, ARGV[3])
return 1
