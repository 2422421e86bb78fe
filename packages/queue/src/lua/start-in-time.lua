-- Whether a job that was just claimed, and has to start by some time, is started. If it is in time, it no longer has to; what is
-- left to keep to is its deadline. If that time has passed by the clock of Redis, the job ends here as by end-overdue.lua. What
-- tells of the claim then is its number and the `active` that BullMQ's script has put on the event stream with it, no start.
-- One that somebody has cancelled meanwhile is its worker's to end, however late it is.
-- holds()  of holds.lua
-- endUnstarted()  of end-unstarted.lua; so is isPast()
-- KEYS     1 deadlines · 2 active · 3 stalled · 4 failed · 5 completed · 6 events
--          7 dead letters that are not in the history yet
-- ARGV     1 key base · 2 job id · 3 lock token · 4 attempt · 5 stalls
--          6 kind, 7 name and 8 message of its error · 9 return value as JSON of one that is cancelled
-- Returns  1 it is, or was before · the request to cancel it, as JSON · 0 it has ended, or has another owner now
local id = ARGV[2]
local job = ARGV[1] .. id
if not holds(job, ARGV[3], ARGV[4], ARGV[5]) then return 0 end
local request, startBy, deadline = unpack(redis.call('HMGET', job, 'cx', 'sb', 'dl'))
if request then return request end
if not startBy then return 1 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- First what needs no room: a full Redis refuses a script that has written nothing yet.
if not isPast(startBy, now) then
  redis.call('HDEL', job, 'sb')
  redis.call('ZREM', KEYS[1], id)
  if deadline then redis.call('ZADD', KEYS[1], deadline, id) end
  return 1
end
redis.call('LREM', KEYS[2], 1, id)
redis.call('SREM', KEYS[3], id)
redis.call('DEL', job .. ':lock')
redis.call('HDEL', job, 'processedOn', 'pb')
endUnstarted({
  base = ARGV[1], failed = KEYS[4], unrecorded = KEYS[7], events = KEYS[6], deadlines = KEYS[1], now = now, prev = 'active',
  completed = KEYS[5], kind = ARGV[6], name = ARGV[7], unstarted = ARGV[8], cancelled = ARGV[9],
}, id, startBy)
return 0
