-- Counts the death of a process as an attempt, in the step that puts its job back.
-- bull()        BullMQ's moveStalledJobsToWait; gives the ids it moved to the front of `wait`
-- quarantine()  of quarantine.lua; so is bury()
-- KEYS          BullMQ's nine: 1 stalled · 2 wait · 4 exists until the next check · then 10 failed · 11 delayed
--               12 when this was last done (ms)
-- ARGV          BullMQ's four: 2 key base · 3 now ms · 4 ms to the next check · then 5 message of a job whose attempts are used up
--               6 and 7 are quarantine.lua's
-- Returns       {ids put back, ids that became dead letters}
if redis.call('EXISTS', KEYS[4]) == 1 then return {{}, {}} end
-- After a gap Redis was away or hung, and nobody could renew a lock: everybody gets one round to do so before a job whose
-- lock ran out counts as abandoned.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = tonumber(redis.call('GET', KEYS[12]) or 0)
redis.call('SET', KEYS[12], now, 'PX', 3600000)
if now - last > 2 * ARGV[4] + 1000 then redis.call('DEL', KEYS[1]) end
local back, dead = {}, quarantine()
for _, id in ipairs(bull()) do
  local job = ARGV[2] .. id
  local f = redis.call('HMGET', job, 'ats', 'pb', 'processedOn', 'opts')
  local n = tonumber(f[1]) or 0
  local slot = 'a' .. (n <= 3 and n or 4 + (n - 4) % 17)
  redis.call('HSET', job, slot, cjson.encode({
    n = n, worker = f[2] or '', start = tonumber(f[3]) or 0, ['end'] = tonumber(ARGV[3]), outcome = 'lost',
  }))
  local used = redis.call('HINCRBY', job, 'atm', 1)
  local readable, opts = pcall(cjson.decode, f[4] or '')
  readable = readable and type(opts) == 'table'
  -- A job whose options cannot be read goes on to the claim, which says so.
  if readable and used >= (tonumber(opts['attempts']) or 1) and redis.call('LREM', KEYS[2], -1, id) == 1 then
    bury(id, 'crashed', 'WorkerLost', ARGV[5])
    dead[#dead + 1] = id
  else
    back[#back + 1] = id
  end
end
return {back, dead}
