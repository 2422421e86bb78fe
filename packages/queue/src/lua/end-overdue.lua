-- Makes dead letters of jobs that wait past their deadline: for a worker, in a paused queue, for their time or their retry.
-- Those that were to start by then, and did not, end as they are to.
-- noteEnd()  of note-end.lua
-- bury()   of bury.lua
-- KEYS     1 deadlines · 2 wait · 3 prioritized · 4 delayed · 5 failed · 6 events
--          7 dead letters that are not in the history yet · 8 completed
-- ARGV     1 key base · 2 now ms · 3 most to look at · 4 ms until one that does not wait is looked at again
--          5 kind, 6 name and 7 message of their error
--          8 most entries of lists to search: it looks at fewer jobs if each may stand anywhere in a long one
--          9 message for one that did not start in time · 10 return value as JSON of one that is cancelled for that
-- Returns  {how many have ended by it, 1 if more may be due, else 0}
local grave = {
  base = ARGV[1], failed = KEYS[5], unrecorded = KEYS[7], events = KEYS[6], deadlines = KEYS[1], now = ARGV[2],
  prev = 'waiting',
}

local function leavesItsPlace(id)
  return redis.call('EXISTS', ARGV[1] .. id .. ':lock') == 0 and (redis.call('ZREM', KEYS[4], id) == 1
    or redis.call('ZREM', KEYS[3], id) == 1 or redis.call('LREM', KEYS[2], -1, id) == 1)
end

local most = math.max(1, math.min(ARGV[3], math.floor(ARGV[8] / (redis.call('LLEN', KEYS[2]) + 1))))
local due, ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2], 'LIMIT', 0, most), 0
for _, id in ipairs(due) do
  local job = ARGV[1] .. id
  -- First what needs no room: a full Redis refuses a script that has written nothing yet.
  redis.call('ZREM', KEYS[1], id)
  local isOpen = redis.call('TYPE', job)['ok'] == 'hash' and redis.call('HEXISTS', job, 'finishedOn') == 0
  local f = isOpen and redis.call('HMGET', job, 'ats', 'ev', 'sb', 'dl') or {}
  local startBy = f[3] and (tonumber(f[1]) or 0) == 0
  if f[3] and not startBy then
    -- It did start. What is left to keep to is its deadline.
    redis.call('HDEL', job, 'sb')
    if f[4] then redis.call('ZADD', KEYS[1], f[4], id) end
  elseif startBy and tonumber(string.match(f[3], '^%d+')) <= tonumber(ARGV[2]) and leavesItsPlace(id) then
    if string.find(f[3], ':cancel', 1, true) then
      redis.call('ZADD', KEYS[8], ARGV[2], id)
      redis.call('HSET', job, 'st', 'cancelled', 'finishedOn', ARGV[2], 'returnvalue', ARGV[10])
      noteEnd(job, id, KEYS[1])
      redis.call('XADD', KEYS[6], 'MAXLEN', '~', 10000, '*', 'event', 'completed', 'jobId', id, 'returnvalue', ARGV[10],
        'prev', 'waiting', 'st', 'cancelled')
    else
      bury(grave, id, 'failed', ARGV[5], ARGV[6], ARGV[9])
    end
    ended = ended + 1
  elseif isOpen and leavesItsPlace(id) then
    local event = {event = 'timed_out', at = tonumber(ARGV[2]), after = tonumber(f[1]) or 0, detail = ARGV[7]}
    redis.call('HSET', job, 'ev', (f[2] or '') .. cjson.encode(event) .. '\n')
    bury(grave, id, 'timed_out', ARGV[5], ARGV[6], ARGV[7])
    ended = ended + 1
  elseif isOpen then
    -- It runs, and its worker ends it; or puts it back to where it waits, or dies. It does not stand before the others.
    redis.call('ZADD', KEYS[1], ARGV[2] + ARGV[4], id)
  end
end
return {ended, #due == most and 1 or 0}
