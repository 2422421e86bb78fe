-- Counts the death of a process as an attempt, in the step that puts its job back. An attempt for which the process was
-- killed, because it blocked the main loop, has timed out; the others are lost. A job that somebody has cancelled ends as
-- cancelled instead. One whose attempts are used up, or under which the process died too often, is a dead letter.
-- MAX_DEATHS is how often it may, UNREADABLE_REQUEST what a request to cancel is taken for that was broken by hand.
-- bull()        BullMQ's moveStalledJobsToWait; gives the ids it moved to the front of `wait`
-- quarantine()  of quarantine.lua; so is the grave
-- bury()        of bury.lua
-- noteLost()    of note-lost.lua
-- endCancelled()  of end-cancelled.lua
-- KEYS          BullMQ's nine: 1 stalled · 2 wait · 4 exists until the next check · then 10 failed · 11 delayed
--               12 when this was last done (ms) · 13 deadlines
--               14 dead letters that are not in the history yet · 15 completed
-- ARGV          BullMQ's four: 2 key base · 3 now ms · 4 ms to the next check · then 5 message of a job whose attempts are used up
--               6 and 7 are quarantine.lua's · 8 message of an attempt that blocked the main loop
-- Returns       {ids put back, ids that became dead letters}; those that are cancelled are in neither
if redis.call('EXISTS', KEYS[4]) == 1 then return {{}, {}} end
-- After a gap Redis was away or hung, and nobody could renew a lock: everybody gets one round to do so before a job whose
-- lock ran out counts as abandoned.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('GET', KEYS[12]) or 0)
redis.call('SET', KEYS[12], now, 'PX', 3600000)
if now - last > 2 * ARGV[4] + 1000 then redis.call('DEL', KEYS[1]) end

local function wasBlocked(marker, n)
  local readable, blocked = pcall(cjson.decode, marker or 'null')
  return readable and type(blocked) == 'table' and blocked.attempt == n
end

local function cancellation(request, blocked)
  local readable, asked = pcall(cjson.decode, request)
  if not (readable and type(asked) == 'table' and type(asked.by) == 'string' and type(asked.reason) == 'string') then
    asked = cjson.decode(UNREADABLE_REQUEST)
  end
  return cjson.encode({cancelled = {by = asked.by, reason = asked.reason, how = blocked and 'killed' or nil}})
end

-- Why the job is not run again, if it is not.
local function lastWords(used, died, options)
  local readable, opts = pcall(cjson.decode, options or '')
  -- A job whose options cannot be read goes on to the claim, which says so.
  if readable and type(opts) == 'table' and used >= (tonumber(opts['attempts']) or 1) then return ARGV[5] end
  return died >= MAX_DEATHS and 'the process died under this job ' .. died .. ' times, which ends it however many attempts '
    .. 'are left: look at how its workers ended; a redrive gives it ' .. MAX_DEATHS .. ' more'
end

local back, dead = {}, quarantine()
for _, id in ipairs(bull()) do
  local job = ARGV[2] .. id
  local f = redis.call('HMGET', job, 'ats', 'opts', 'wd', 'cx', 'stc')
  local blocked, request = wasBlocked(f[3], tonumber(f[1]) or 0), f[4]
  noteLost(job, ARGV[3], blocked and not request and ARGV[8])
  redis.call('HDEL', job, 'wd')
  if request and redis.call('LREM', KEYS[2], -1, id) == 1 then
    endCancelled(grave, id, cancellation(request, blocked))
  else
    local why = lastWords(redis.call('HINCRBY', job, 'atm', 1), tonumber(f[5]), f[2])
    if why and redis.call('LREM', KEYS[2], -1, id) == 1 then
      if blocked then
        bury(grave, id, 'timed_out', 'timeout', 'TimeoutError', ARGV[8])
      else
        bury(grave, id, 'failed', 'crashed', 'WorkerLost', why)
      end
      dead[#dead + 1] = id
    else
      back[#back + 1] = id
    end
  end
end
return {back, dead}
