-- Stores a job once: BullMQ's own add, our envelope and the idempotency record in one step.
-- bull()   one of BullMQ's add scripts, which also stores the envelope; gives the job's id, or a negative number
-- KEYS     BullMQ's, then the idempotency record if the request has a key
-- ARGV     BullMQ's three · 4 envelope as JSON
--          with a key also: 5 job id · 6 fingerprint of the request · 7 ttl ms · 8 now ms
-- Returns  1 stored · the id of the first job: same key, same request · '!' and its id: same key, another request
--          negative: BullMQ's own refusal
local record = ARGV[6] and KEYS[#KEYS]
if record then
  local first = redis.call('HMGET', record, 'id', 'fp')
  if first[1] then
    if first[2] == ARGV[6] then return first[1] end
    return '!' .. first[1]
  end
end
local added = bull()
if type(added) == 'number' and added < 0 then return added end
if record then
  redis.call('HSET', record, 'id', ARGV[5], 'fp', ARGV[6], 'at', ARGV[8])
  redis.call('PEXPIRE', record, ARGV[7])
end
return 1
