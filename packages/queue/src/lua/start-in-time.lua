-- Whether a job that was just claimed, and had to be by some time, is started. If that has passed by the clock of Redis it ends
-- here, and nothing tells of the claim: the same as end-overdue.lua would have made of it.
-- holds()  of holds.lua
-- endUnstarted()  of end-unstarted.lua; so is isPast()
-- KEYS     1 deadlines · 2 active · 3 stalled · 4 failed · 5 completed · 6 events
--          7 dead letters that are not in the history yet
-- ARGV     1 key base · 2 job id · 3 lock token · 4 attempt · 5 stalls · 10 its `sb`, as it was when it was claimed
--          6 kind, 7 name and 8 message of its error · 9 return value as JSON of one that is cancelled
-- Returns  1 it is · 0 it has ended, or has another owner now
local id = ARGV[2]
local job = ARGV[1] .. id
if not holds(job, ARGV[3], ARGV[4], ARGV[5]) then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not isPast(ARGV[10], now) then return 1 end
-- First what needs no room: a full Redis refuses a script that has written nothing yet.
redis.call('LREM', KEYS[2], 1, id)
redis.call('SREM', KEYS[3], id)
redis.call('DEL', job .. ':lock')
redis.call('HDEL', job, 'ats', 'processedOn', 'pb')
endUnstarted({
  base = ARGV[1], failed = KEYS[4], unrecorded = KEYS[7], events = KEYS[6], deadlines = KEYS[1], now = now, prev = 'active',
  completed = KEYS[5], kind = ARGV[6], name = ARGV[7], unstarted = ARGV[8], cancelled = ARGV[9],
}, id, ARGV[10])
return 0
