-- Counts the death of a process as an attempt, in the step that puts its job back.
-- bull()   BullMQ's moveStalledJobsToWait; gives the ids it moved to the front of `wait`
-- KEYS     BullMQ's nine: 2 wait · 8 events · then 10 failed
-- ARGV     BullMQ's four: 2 key base · 3 now ms · then 5 message of a job whose attempts are used up
-- Returns  {ids put back, ids that became dead letters}
local ids = bull()
local back, dead = {}, {}
for _, id in ipairs(ids) do
  local job = ARGV[2] .. id
  local f = redis.call('HMGET', job, 'ats', 'pb', 'processedOn', 'opts')
  local n = tonumber(f[1]) or 0
  local slot = 'a' .. (n <= 3 and n or 4 + (n - 4) % 17)
  redis.call('HSET', job, slot, cjson.encode({
    n = n, worker = f[2] or '', start = tonumber(f[3]) or 0, ['end'] = tonumber(ARGV[3]), outcome = 'lost',
  }))
  local used = redis.call('HINCRBY', job, 'atm', 1)
  local readable, opts = pcall(cjson.decode, f[4] or '')
  local max = readable and type(opts) == 'table' and tonumber(opts['attempts'])
  -- A job whose options cannot be read goes on to the claim, which says so.
  if max and used >= max and redis.call('LREM', KEYS[2], -1, id) == 1 then
    redis.call('ZADD', KEYS[10], ARGV[3], id)
    redis.call('HSET', job, 'st', 'failed', 'ek', 'crashed', 'en', 'WorkerLost', 'failedReason', ARGV[5],
      'finishedOn', ARGV[3])
    redis.call('XADD', KEYS[8], '*', 'event', 'failed', 'jobId', id, 'failedReason', ARGV[5], 'prev', 'active')
    dead[#dead + 1] = id
  else
    back[#back + 1] = id
  end
end
return {back, dead}
