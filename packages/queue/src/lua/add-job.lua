-- Stores a job once: BullMQ's own add, our envelope and the idempotency record in one step.
-- bull()   one of BullMQ's add scripts; gives the job's id, or a negative number
-- KEYS     BullMQ's, then the job hash, then the idempotency record if the request has a key
-- ARGV     BullMQ's three · 4 number of BullMQ's keys · 5 job id · 6 envelope JSON
--          with a key also: 7 fingerprint of the request · 8 ttl ms · 9 now ms
-- Returns  1 stored · the id of the first job: same key, same request · '!' and its id: same key, another request
--          negative: BullMQ's own refusal
local own = tonumber(ARGV[4])
local record = KEYS[own + 2]
if record then
  local first = redis.call('HMGET', record, 'id', 'fp')
  if first[1] then
    if first[2] == ARGV[7] then return first[1] end
    return '!' .. first[1]
  end
end
local added = bull()
if type(added) == 'number' and added < 0 then return added end
redis.call('HSET', KEYS[own + 1], 'env', ARGV[6])
if record then
  redis.call('HSET', record, 'id', ARGV[5], 'fp', ARGV[7], 'at', ARGV[9])
  redis.call('PEXPIRE', record, ARGV[8])
end
return 1
