-- Makes dead letters of jobs that wait past their deadline: for a worker, in a paused queue, for their time or their retry.
-- Those that were to start by then, and did not, end as they are to.
-- bury()   of bury.lua
-- endUnstarted()  of end-unstarted.lua; so is isPast()
-- noteEvents()  of note-events.lua
-- KEYS     1 deadlines · 2 wait · 3 prioritized · 4 delayed · 5 failed · 6 events
--          7 dead letters that are not in the history yet · 8 completed
-- ARGV     1 key base · 2 most to look at · 3 ms until one that does not wait is looked at again
--          4 kind, 5 name and 6 message of their error
--          7 most entries of lists to search: it looks at fewer jobs if each may stand anywhere in a long one
--          8 message for one that did not start in time · 9 return value as JSON of one that is cancelled for that
-- Returns  {how many have ended by it, 1 if more may be due, else 0}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local grave = {
  base = ARGV[1], failed = KEYS[5], unrecorded = KEYS[7], events = KEYS[6], deadlines = KEYS[1], now = now,
  prev = 'waiting', completed = KEYS[8], kind = ARGV[4], name = ARGV[5], unstarted = ARGV[8], cancelled = ARGV[9],
}

local function leavesItsPlace(id)
  return redis.call('EXISTS', ARGV[1] .. id .. ':lock') == 0 and (redis.call('ZREM', KEYS[4], id) == 1
    or redis.call('ZREM', KEYS[3], id) == 1 or redis.call('LREM', KEYS[2], -1, id) == 1)
end

local most = math.max(1, math.min(ARGV[2], math.floor(ARGV[7] / (redis.call('LLEN', KEYS[2]) + 1))))
local due, ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, most), 0
for _, id in ipairs(due) do
  local job = ARGV[1] .. id
  -- First what needs no room: a full Redis refuses a script that has written nothing yet.
  redis.call('ZREM', KEYS[1], id)
  local isOpen = redis.call('TYPE', job)['ok'] == 'hash' and redis.call('HEXISTS', job, 'finishedOn') == 0
  -- One that was started in time has none: start-in-time.lua.
  local startBy = isOpen and redis.call('HGET', job, 'sb')
  if startBy and isPast(startBy, now) and leavesItsPlace(id) then
    endUnstarted(grave, id, startBy)
    ended = ended + 1
  elseif isOpen and leavesItsPlace(id) then
    noteEvents(job, cjson.encode({event = 'timed_out', at = now, detail = ARGV[6]}))
    bury(grave, id, 'timed_out', ARGV[4], ARGV[5], ARGV[6])
    ended = ended + 1
  elseif isOpen then
    -- It runs, and its worker ends it; or puts it back to where it waits, or dies. It does not stand before the others.
    redis.call('ZADD', KEYS[1], now + ARGV[3], id)
  end
end
return {ended, #due == most and 1 or 0}
