// Made from src/lua by `pnpm generate`. Do not edit.

export const addJob = `-- Stores a job once: BullMQ's own add, our envelope and the idempotency record in one step.
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
`

export const announce = `-- A live worker says which job types it runs. The highest version that a live worker announces is the one that callers
-- are checked against.
-- KEYS     1 types · 2 seen · 3 revision · 4 queues
-- ARGV     1 ms after which an announcement without repetition counts as gone · 2 ms after which a type is forgotten
--          then for each type: name · version · queue · description as JSON
-- Returns  1 the catalog changed · 0 it did not
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local changed = 0
for i = 3, #ARGV, 4 do
  local name, version, queue, text = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3]
  local known = redis.call('HGET', KEYS[1], name)
  local newer = true
  if known and known ~= text then
    local seen = tonumber(redis.call('ZSCORE', KEYS[2], name)) or 0
    newer = version >= cjson.decode(known)['version'] or now - seen > tonumber(ARGV[1])
  end
  if newer then
    if known ~= text then
      redis.call('HSET', KEYS[1], name, text)
      changed = 1
    end
    redis.call('ZADD', KEYS[2], now, name)
  end
  redis.call('ZADD', KEYS[4], now, queue)
end
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], 0, now - ARGV[2])) do
  redis.call('ZREM', KEYS[2], name)
  redis.call('HDEL', KEYS[1], name)
  changed = 1
end
-- A time, not a count: after the catalog is lost and announced anew, no reader takes it for the one that it knows.
if changed == 1 then redis.call('SET', KEYS[3], time[1] .. '.' .. time[2]) end
return changed
`

export const cancel = `-- Ends a job that no attempt holds, or asks the attempt that holds it to end.
-- One that ends here goes to \`completed\`, so that no "retry all" of dead letters revives it.
-- KEYS     1 job · 2 lock · 3 wait · 4 prioritized · 5 delayed · 6 completed · 7 events
-- ARGV     1 job id · 2 now ms · 3 return value as JSON, which holds the reason · 4 request as JSON
--          5 channel of requests · 6 message for it
-- Returns  1 cancelled · 2 asked for; the message is out · 0 there is no such job, or it has ended
if redis.call('TYPE', KEYS[1])['ok'] ~= 'hash' or redis.call('HEXISTS', KEYS[1], 'finishedOn') == 1 then return 0 end
local id = ARGV[1]
local waits = redis.call('EXISTS', KEYS[2]) == 0 and (redis.call('ZREM', KEYS[5], id) == 1
  or redis.call('ZREM', KEYS[4], id) == 1 or redis.call('LREM', KEYS[3], -1, id) == 1)
if not waits then
  -- The message may get lost: whoever renews the lock, or claims the job, looks at the field.
  redis.call('HSETNX', KEYS[1], 'cx', ARGV[4])
  redis.call('PUBLISH', ARGV[5], ARGV[6])
  return 2
end
redis.call('ZADD', KEYS[6], ARGV[2], id)
redis.call('HSET', KEYS[1], 'st', 'cancelled', 'finishedOn', ARGV[2], 'returnvalue', ARGV[3])
redis.call('XADD', KEYS[7], '*', 'event', 'completed', 'jobId', id, 'returnvalue', ARGV[3], 'prev', 'waiting')
return 1
`

export const discard = `-- Puts dead letters aside for good. They keep their status, and move to \`completed\` so that nothing revives them.
-- KEYS     1 failed · 2 completed
-- ARGV     1 key base · 2 now ms · 3 event as JSON · 4… job ids
-- Returns  how many were discarded
local moved = 0
for i = 4, #ARGV do
  local id = ARGV[i]
  local job = ARGV[1] .. id
  if redis.call('TYPE', job)['ok'] == 'hash' and redis.call('ZREM', KEYS[1], id) == 1 then
    redis.call('ZADD', KEYS[2], ARGV[2], id)
    local f = redis.call('HMGET', job, 'ats', 'ev')
    local event = string.sub(ARGV[3], 1, -2) .. ',"after":' .. (f[1] or 0) .. '}'
    redis.call('HSET', job, 'discardedAt', ARGV[2], 'ev', (f[2] or '') .. event .. '\\n')
    moved = moved + 1
  end
end
return moved
`

export const handBack = `-- Returns a running job to the front of its queue without using up the attempt.
-- bull()   BullMQ's moveJobFromActiveToWait, which checks the lock
-- KEYS     BullMQ's nine: 8 marker
-- ARGV     BullMQ's three: 3 job hash · then 4 field of the attempt · 5 its record as JSON
-- Returns  0 or more: handed back · negative: BullMQ's refusal (the job is no longer ours)
local result = bull()
if result < 0 then return result end
redis.call('HSET', ARGV[3], ARGV[4], ARGV[5])
-- BullMQ wakes nobody for a job with a priority: without this it waits until a worker looks by itself.
redis.call('ZADD', KEYS[8], 0, '0')
return result
`

export const holds = `-- Whether an attempt still has its job. A lock that ran out while nobody took the job, for example because Redis hung, is
-- no loss: leaving \`active\` without the lock counts a stall, and each claim counts a start.
-- Part of renew-locks.lua and write-attempt.lua.
local function holds(job, token, attempt, stalls)
  local f = redis.call('HMGET', job, 'ats', 'stc', 'finishedOn')
  if f[1] ~= attempt then return false end
  local owner = redis.call('GET', job .. ':lock')
  if owner then return owner == token end
  return (f[2] or '0') == stalls and not f[3]
end
`

export const promote = `-- Makes a delayed job due now and notes who asked.
-- bull()   BullMQ's promote
-- KEYS     BullMQ's nine     ARGV BullMQ's two: 1 key base, 2 job id · then 3 event as JSON
-- Returns  1 promoted · 0 the job is not delayed
if bull() < 0 then return 0 end
local job = ARGV[1] .. ARGV[2]
local f = redis.call('HMGET', job, 'ats', 'ev')
local event = string.sub(ARGV[3], 1, -2) .. ',"after":' .. (f[1] or 0) .. '}'
redis.call('HSET', job, 'ev', (f[2] or '') .. event .. '\\n')
return 1
`

export const quarantine = `-- Makes dead letters of jobs that BullMQ's scripts would stumble over: such a script stops half-way, and the job is then
-- in no list at all, sometimes with its neighbours. Part of recover-stalled.lua, before BullMQ's own part.
-- KEYS     1 stalled · 3 active · 8 events · 10 failed · 11 delayed
-- ARGV     2 key base · 3 now ms · 4 ms to the next check · 6 key base for what is no job · 7 ms for which that is kept
-- Gives    quarantine(): the ids of those jobs
local function bury(id, kind, name, message)
  redis.call('ZADD', KEYS[10], ARGV[3], id)
  redis.call('HSET', ARGV[2] .. id, 'st', 'failed', 'ek', kind, 'en', name, 'failedReason', message, 'finishedOn', ARGV[3])
  redis.call('XADD', KEYS[8], '*', 'event', 'failed', 'jobId', id, 'failedReason', message, 'prev', 'active')
end

local function kindProblem(id)
  local kind = redis.call('TYPE', ARGV[2] .. id)['ok']
  if kind == 'hash' or kind == 'none' then return nil end
  return 'the key of the job holds a ' .. kind .. ' instead of a hash; that is kept as ' .. ARGV[6] .. id
end

local function fieldProblem(id)
  local fields = redis.call('HMGET', ARGV[2] .. id, 'ats', 'atm', 'stc', 'parent')
  for i, name in ipairs({'ats', 'atm', 'stc'}) do
    local value = fields[i]
    if value and not (#value < 16 and string.match(value, '^%d+\$')) then
      return 'the stored job cannot be read: its ' .. name .. ' is no number'
    end
  end
  if fields[4] and not pcall(cjson.decode, fields[4]) then
    return 'the stored job cannot be read: its parent is no JSON'
  end
end

local function quarantine()
  local found = {}
  for _, id in ipairs(redis.call('SMEMBERS', KEYS[1])) do
    if redis.call('EXISTS', ARGV[2] .. id .. ':lock') == 0 then
      local problem = kindProblem(id) or fieldProblem(id)
      if problem and redis.call('LREM', KEYS[3], 1, id) == 1 then found[id] = problem end
    end
  end
  -- BullMQ makes due jobs ready a thousand at a time: one that is no hash would lose the rest of them.
  local soon = (ARGV[3] + 2 * ARGV[4]) * 4096
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[11], 0, soon, 'LIMIT', 0, 1000)) do
    local problem = kindProblem(id)
    if problem and redis.call('ZREM', KEYS[11], id) == 1 then found[id] = problem end
  end

  local ids = {}
  for id, problem in pairs(found) do
    local job = ARGV[2] .. id
    if redis.call('TYPE', job)['ok'] ~= 'hash' then
      redis.call('RENAME', job, ARGV[6] .. id)
      redis.call('PEXPIRE', ARGV[6] .. id, ARGV[7])
      redis.call('HSET', job, 'timestamp', ARGV[3])
    end
    redis.call('SREM', KEYS[1], id)
    bury(id, 'unreadable', 'UnrecoverableError', problem)
    ids[#ids + 1] = id
  end
  return ids
end
`

export const recoverStalled = `-- Counts the death of a process as an attempt, in the step that puts its job back.
-- bull()        BullMQ's moveStalledJobsToWait; gives the ids it moved to the front of \`wait\`
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
`

export const redrive = `-- Puts dead letters back into their queue with all attempts to go. Idempotent: a job is moved by whoever removes it
-- from \`failed\` first.
-- KEYS     1 failed · 2 wait · 3 prioritized · 4 priority counter · 5 events · 6 marker · 7 meta
-- ARGV     1 key base · 2 event as JSON · 3… job ids
-- Returns  how many were put back
local moved = 0
for i = 3, #ARGV do
  local id = ARGV[i]
  local job = ARGV[1] .. id
  if redis.call('TYPE', job)['ok'] == 'hash' and redis.call('ZREM', KEYS[1], id) == 1 then
    local f = redis.call('HMGET', job, 'st', 'finishedOn', 'ats', 'ev')
    local events = f[4] or ''
    -- The end that is undone stays in the timeline. That of a job that timed out is told by its attempt's record.
    if f[1] == 'failed' and f[2] and f[3] then
      events = events .. '{"event":"failed","at":' .. f[2] .. ',"attempt":' .. f[3] .. ',"after":' .. f[3] .. '}\\n'
    end
    events = events .. string.sub(ARGV[2], 1, -2) .. ',"after":' .. (f[3] or 0) .. '}\\n'
    redis.call('HDEL', job, 'finishedOn', 'processedOn', 'failedReason', 'stacktrace', 'returnvalue', 'progress', 'atm',
      'stc', 'defa', 'st', 'ek', 'en', 'cx')
    redis.call('HSET', job, 'ev', events)
    local priority = tonumber(redis.call('HGET', job, 'priority')) or 0
    if priority == 0 then
      redis.call('LPUSH', KEYS[2], id)
    else
      -- The score that BullMQ's addPrioritizedJob gives: the priority above 32 bits of arrival order.
      local arrival = redis.call('INCR', KEYS[4])
      redis.call('ZADD', KEYS[3], priority * 0x100000000 + arrival % 0x100000000, id)
    end
    redis.call('XADD', KEYS[5], 'MAXLEN', '~', 10000, '*', 'event', 'waiting', 'jobId', id, 'prev', 'failed')
    moved = moved + 1
  end
end
if moved > 0 and redis.call('HEXISTS', KEYS[7], 'paused') == 0 then redis.call('ZADD', KEYS[6], 0, '0') end
return moved
`

export const renewLocks = `-- Renews the locks of running attempts, also those that ran out, and tells which of them have lost their job.
-- holds()  of holds.lua
-- KEYS     1 stalled
-- ARGV     1 key base · 2 ms for which a lock lasts · then for each attempt: job id · lock token · attempt · stalls
-- Returns  the places of the lost ones in that list, from 0
local lost = {}
for i = 3, #ARGV, 4 do
  local id = ARGV[i]
  local job = ARGV[1] .. id
  if holds(job, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]) then
    redis.call('SET', job .. ':lock', ARGV[i + 1], 'PX', ARGV[2])
    redis.call('SREM', KEYS[1], id)
  else
    lost[#lost + 1] = (i - 3) / 4
  end
end
return lost
`

export const writeAttempt = `-- A running attempt writes progress, log lines or the result of a step, if it is still the one that holds the job.
-- holds()  of holds.lua
-- KEYS     1 job · 2 lock · 3 events · 4 logs
-- ARGV     1 lock token · 2 attempt · 3 stalls · 4 'progress', 'log' or 'step'
--          progress: 5 value as JSON · 6 job id       log: 5 most lines kept · 6… lines
--          step: 5 field of the step · 6 result as JSON
-- Returns  1 written · 0 the job has another owner now
if not holds(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return 0 end
if ARGV[4] == 'progress' then
  redis.call('HSET', KEYS[1], 'progress', ARGV[5])
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'event', 'progress', 'jobId', ARGV[6], 'data', ARGV[5])
elseif ARGV[4] == 'step' then
  redis.call('HSETNX', KEYS[1], ARGV[5], ARGV[6])
else
  redis.call('RPUSH', KEYS[4], unpack(ARGV, 6))
  redis.call('LTRIM', KEYS[4], -ARGV[5], -1)
end
return 1
`
