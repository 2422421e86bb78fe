-- Stores a job unless something stands against it: BullMQ's own add, our envelope, the idempotency record and the deadline
-- in one step.
-- bull()   one of BullMQ's add scripts, which also stores `fields` and lists the job in the index; gives the job's id, or a
--          negative number
-- KEYS     BullMQ's, then the index of the jobs, then the last takes of the history if so many may wait, then the idempotency
--          record if there is a key, then the dedupe key if there is one, then the deadlines if there is one, then the open
--          jobs of the tenant if it has a quota
-- ARGV     BullMQ's three · 4 envelope as JSON
--          with anything of what follows also: 5 job id · 6 now ms · 7 fingerprint of the request
--          8 ttl of its record in ms, '' without idempotency key
--          with one of these also: 9 key base · 10 most jobs that may wait, '' for any number · 11 '1' with a dedupe key
--          with one of these also: 12 deadline in ms or ''
--          with a quota also: 13 most open jobs of the tenant
-- Returns  1 stored, with a quota {'stored', open jobs of the tenant} · a negative number: BullMQ's own refusal · else nothing was stored, and it says why:
--          {'same', id of the first job}: same idempotency key, same request · {'other', its id}: another request
--          {'live', id}: that job has the dedupe key · {'full', jobs that wait, jobs that ended in the last …, … ms}
--          {'quota', open jobs of the tenant}
local now, record, dedupe, deadlines = ARGV[6], nil, nil, nil
local own, quota, open = #KEYS, tonumber(ARGV[13]), nil
if quota then
  open = KEYS[own]
  own = own - 1
end
if ARGV[12] and ARGV[12] ~= '' then
  deadlines = KEYS[own]
  own = own - 1
  fields[3], fields[4] = 'dl', ARGV[12]
end
if ARGV[11] == '1' then
  dedupe = KEYS[own]
  own = own - 1
end
if ARGV[8] and ARGV[8] ~= '' then
  record = KEYS[own]
  local first = redis.call('HMGET', record, 'id', 'fp')
  if first[1] then return {first[2] == ARGV[7] and 'same' or 'other', first[1]} end
  fields[#fields + 1] = 'ik'
  fields[#fields + 1] = record
  own = own - 1
end
local takes = ARGV[10] and ARGV[10] ~= '' and KEYS[own]

-- BullMQ frees a key whose job ends its way. This sees to any other way, such as a hash that was deleted by hand.
local holder = dedupe and redis.call('GET', dedupe)
if holder then
  local f = redis.pcall('HMGET', ARGV[9] .. holder, 'name', 'finishedOn')
  if f[1] and not f[2] then return {'live', holder} end
  redis.call('DEL', dedupe)
end

local most = tonumber(ARGV[10])
if most then
  local base = ARGV[9]
  local depth = redis.call('LLEN', base .. 'wait') + redis.call('ZCARD', base .. 'prioritized')
    + redis.call('ZCARD', base .. 'delayed')
  if depth >= most then
    -- How fast it drains is told by what ended lately. Of very many, not even those of the last ten seconds are kept.
    local oldest = tonumber(redis.call('ZRANGE', base .. 'completed', 0, 0, 'WITHSCORES')[2] or 0)
    local taken = redis.call('LRANGE', takes, 0, -1)
    if #taken > 0 then oldest = tonumber(string.match(taken[#taken], '^%d+')) end
    local span = math.min(10000, math.max(1000, now - oldest))
    local ended = redis.call('ZCOUNT', base .. 'completed', now - span, '+inf')
      + redis.call('ZCOUNT', base .. 'failed', now - span, '+inf')
    for _, take in ipairs(taken) do
      local at, count = string.match(take, '^(%d+):(%d+)$')
      if tonumber(at) >= now - span then ended = ended + count end
    end
    return {'full', depth, ended, span}
  end
end

local opened = quota and redis.call('SCARD', open)
if quota and opened >= quota then
  -- Of a job that was deleted by hand, or ended by a worker of plain BullMQ, nobody told the set.
  for _, id in ipairs(redis.call('SRANDMEMBER', open, 20)) do
    local f = redis.pcall('HMGET', ARGV[9] .. id, 'timestamp', 'finishedOn')
    if not f[1] or f[2] then opened = opened - redis.call('SREM', open, id) end
  end
  if opened >= quota then return {'quota', opened} end
end
if quota then
  fields[#fields + 1] = 'tq'
  fields[#fields + 1] = open
end

local added = bull()
if type(added) == 'number' and added < 0 then return added end
if record then
  redis.call('HSET', record, 'id', ARGV[5], 'fp', ARGV[7], 'at', now)
  redis.call('PEXPIRE', record, ARGV[8])
end
if deadlines then redis.call('ZADD', deadlines, ARGV[12], ARGV[5]) end
if quota then
  redis.call('SADD', open, ARGV[5])
  return {'stored', opened + 1}
end
return 1
