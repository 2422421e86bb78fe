-- Counts the death of a process as an attempt, in the step that puts its job back. An attempt for which the process was
-- killed, because it blocked the main loop, has timed out; the others are lost.
-- bull()        BullMQ's moveStalledJobsToWait; gives the ids it moved to the front of `wait`
-- quarantine()  of quarantine.lua; so is the grave
-- bury()        of bury.lua
-- attemptField()  of attempt-field.lua
-- KEYS          BullMQ's nine: 1 stalled · 2 wait · 4 exists until the next check · then 10 failed · 11 delayed
--               12 when this was last done (ms) · 13 deadlines
--               14 dead letters that are not in the history yet
-- ARGV          BullMQ's four: 2 key base · 3 now ms · 4 ms to the next check · then 5 message of a job whose attempts are used up
--               6 and 7 are quarantine.lua's · 8 message of an attempt that blocked the main loop
-- Returns       {ids put back, ids that became dead letters}
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

local back, dead = {}, quarantine()
for _, id in ipairs(bull()) do
  local job = ARGV[2] .. id
  local f = redis.call('HMGET', job, 'ats', 'pb', 'processedOn', 'opts', 'wd')
  local n = tonumber(f[1]) or 0
  local blocked = wasBlocked(f[5], n)
  local record = {
    n = n, worker = f[2] or '', start = tonumber(f[3]) or 0, ['end'] = tonumber(ARGV[3]), outcome = 'lost',
  }
  if blocked then
    record.outcome = 'timed_out'
    record.reason = ARGV[8]
    record.error = {name = 'TimeoutError', kind = 'timeout', message = ARGV[8]}
  end
  redis.call('HSET', job, attemptField(n), cjson.encode(record))
  redis.call('HDEL', job, 'wd')
  local used = redis.call('HINCRBY', job, 'atm', 1)
  local readable, opts = pcall(cjson.decode, f[4] or '')
  readable = readable and type(opts) == 'table'
  -- A job whose options cannot be read goes on to the claim, which says so.
  if readable and used >= (tonumber(opts['attempts']) or 1) and redis.call('LREM', KEYS[2], -1, id) == 1 then
    if blocked then
      bury(grave, id, 'timed_out', 'timeout', 'TimeoutError', ARGV[8])
    else
      bury(grave, id, 'failed', 'crashed', 'WorkerLost', ARGV[5])
    end
    dead[#dead + 1] = id
  else
    back[#back + 1] = id
  end
end
return {back, dead}
