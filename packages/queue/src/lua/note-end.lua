-- Tells the end of a job to what outlives it: the idempotency record of the request that made it, which has to answer when
-- BullMQ has dropped the job, its dedupe key, which is free again, the deadlines of its queue, and the open jobs of its tenant
-- and of its schedule where they are counted. Part of every script that ends jobs.
-- Gives    noteEnd(key of the job, its id, key of the deadlines), for when the end is in the job's hash
local function noteEnd(job, id, deadlines)
  local f = redis.call('HMGET', job, 'ik', 'deid', 'st', 'finishedOn', 'processedOn', 'ats', 'atm', 'dl', 'tq', 'sb', 'sj')
  -- The record's time may be over, and its key have made another job.
  if f[1] and redis.call('HGET', f[1], 'id') == id then
    redis.call('HSET', f[1], 'st', f[3], 'finishedOn', f[4], 'processedOn', f[5] or '', 'ats', f[6] or 0, 'atm', f[7] or 0)
  end
  local dedupe = f[2] and string.sub(job, 1, -1 - #id) .. 'de:' .. f[2]
  if dedupe and redis.call('GET', dedupe) == id then redis.call('DEL', dedupe) end
  if f[8] or f[10] then redis.call('ZREM', deadlines, id) end
  if f[9] then redis.call('SREM', f[9], id) end
  if f[11] then redis.call('SREM', f[11], id) end
end
