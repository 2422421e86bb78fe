// Made from src/lua by `pnpm generate`. Do not edit.

export const addJob = `-- Stores a job unless something stands against it: BullMQ's own add, our envelope, the idempotency record and the deadline
-- in one step.
-- bull()   one of BullMQ's add scripts, which also stores \`fields\` and lists the job in the index; gives the job's id, or a
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
      local at, count = string.match(take, '^(%d+):(%d+)\$')
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
`

export const advancePart = `-- Moves dead letters for an operation and counts them in the same step: whatever dies in between, each that was moved
-- is counted, once.
-- move()   redrive.lua or discard.lua
-- KEYS     those of move() · then its part of the operation · the redriven jobs that have not been seen to end
-- ARGV     those of move() · then the step as JSON: {token, matched, cursor, sample, done, at, watch, keepMs}
-- Returns  how many were moved · -1 if somebody else drives the operation by now
local step = cjson.decode(table.remove(ARGV))
local part, unfinished = KEYS[#KEYS - 1], KEYS[#KEYS]
if redis.call('HGET', part, 'token') ~= step.token then return -1 end
local moved = move()
redis.call('HSET', part, 'cursor', step.cursor, 'sample', step.sample, 'updatedAt', step.at)
if step.done then redis.call('HSET', part, 'done', 1) end
redis.call('HINCRBY', part, 'matched', step.matched)
redis.call('HINCRBY', part, 'moved', #moved)
redis.call('PEXPIRE', part, step.keepMs)
if step.watch and #moved > 0 then
  redis.call('RPUSH', unfinished, unpack(moved))
  redis.call('PEXPIRE', unfinished, step.keepMs)
end
return #moved
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

export const attemptField = `-- The field of the hash that keeps the record of an attempt, as attempt-record.ts says it.
-- Part of holds.lua and note-lost.lua.
local function attemptField(n)
  return 'a' .. (n <= 3 and n or 4 + (n - 4) % 17)
end
`

export const beginAudit = `-- Writes down that somebody is about to change something. What nobody takes into a history goes by its number and size.
-- KEYS     1 entries · 2 outcomes
-- ARGV     1 id · 2 entry as JSON · 3 how many may stay · 4 how many bytes they and their outcomes may take, as Redis reckons
--          them · 5 \`1\` if a history takes them: then none is removed, and one that would be too many is refused
--          6 \`1\` to be written also if Redis is full
-- Returns  the place of the entry in the stream, or nothing: there are too many
local most = tonumber(ARGV[3])
local bytes = (redis.call('MEMORY', 'USAGE', KEYS[1]) or 0) + (redis.call('MEMORY', 'USAGE', KEYS[2]) or 0)
local is_large = bytes > tonumber(ARGV[4])
if ARGV[5] == '1' and (is_large or redis.call('XLEN', KEYS[1]) >= most) then return false end
-- Changes nothing and needs no room: a Redis that is full lets a script that has begun to write go on. Whoever mends it by
-- cancelling jobs is to be seen as well.
if ARGV[6] == '1' then redis.call('PERSIST', KEYS[1]) end
local place = redis.call('XADD', KEYS[1], '*', 'id', ARGV[1], 'begin', ARGV[2])
-- A hundred at most, so that a limit that was lowered holds up nobody.
local surplus = is_large and 100 or math.min(redis.call('XLEN', KEYS[1]) - most, 100)
if surplus > 0 then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '(' .. place, 'COUNT', surplus)) do
    redis.call('XDEL', KEYS[1], entry[1])
    redis.call('HDEL', KEYS[2], entry[2][2])
  end
end
return place
`

export const bury = `-- Makes a dead letter of a job that was taken out of its place, without an attempt that ends it.
-- Part of recover-stalled.lua, end-overdue.lua and end-unstarted.lua.
-- noteEnd()  of note-end.lua
-- Gives    bury(grave, its id, status, kind, name and message of its error); the grave says where and when:
--          {base, failed, unrecorded, events, deadlines: keys; now: ms; prev: where the job was, for the event}
local function bury(grave, id, status, kind, name, message)
  local job = grave.base .. id
  redis.call('ZADD', grave.failed, grave.now, id)
  redis.call('ZADD', grave.unrecorded, grave.now, id)
  -- The fingerprint and the stack of an earlier attempt are those of another error.
  redis.call('HDEL', job, 'fp', 'stacktrace')
  redis.call('HSET', job, 'st', status, 'ek', kind, 'en', name, 'failedReason', message, 'finishedOn', grave.now)
  noteEnd(job, id, grave.deadlines)
  redis.call('XADD', grave.events, 'MAXLEN', '~', 10000, '*', 'event', 'failed', 'jobId', id, 'failedReason', message,
    'prev', grave.prev, 'st', status)
end
`

export const cancelRequest = `-- Whether somebody wants a running job to end. Nothing puts such a job back to wait, or buries it: it ends as cancelled.
-- Part of postpone.lua, hand-back.lua and finish.lua.
-- Gives    cancelRequest(key of the job, token of the attempt), the request as JSON; false if there is none, or if the attempt
--          does not hold the job: the move says what is wrong then
local function cancelRequest(job, token)
  local request = redis.call('HGET', job, 'cx')
  return request and redis.call('GET', job .. ':lock') == token and request
end
`

export const cancel = `-- Ends a job that no attempt holds, or asks the attempt that holds it to end.
-- noteLost()  of note-lost.lua
-- endCancelled()  of end-cancelled.lua
-- KEYS     1 job · 2 lock · 3 wait · 4 prioritized · 5 delayed · 6 completed · 7 events · 8 deadlines · 9 active
--          10 marker · 11 meta
-- ARGV     1 job id · 2 now ms · 3 return value as JSON, which holds the reason · 4 request as JSON
--          5 channel of requests · 6 message for it · 7 ms within which a process that lives renews its locks
-- Returns  1 cancelled · 2 asked for; the message is out · 0 there is no such job, or it has ended
if redis.call('TYPE', KEYS[1])['ok'] ~= 'hash' or redis.call('HEXISTS', KEYS[1], 'finishedOn') == 1 then return 0 end
local id = ARGV[1]
local isFree = redis.call('EXISTS', KEYS[2]) == 0
local waits = isFree and (redis.call('ZREM', KEYS[5], id) == 1
  or redis.call('ZREM', KEYS[4], id) == 1 or redis.call('LREM', KEYS[3], -1, id) == 1)
-- Its lock ran out, and nobody has recovered it: there may be no other worker. But Redis may have hung, and its process live:
-- from the first request that finds it so, that has time to renew the lock, which removes the note (renew-locks.lua).
local function isAbandoned()
  if not isFree then return false end
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  redis.call('HSETNX', KEYS[1], 'cs', now)
  local since = tonumber(redis.call('HGET', KEYS[1], 'cs')) or 0
  return now - since >= tonumber(ARGV[7]) and redis.call('LREM', KEYS[9], 1, id) == 1
end

if not waits then
  -- The message may get lost: whoever renews the lock, or claims the job, looks at the field.
  if redis.call('HSETNX', KEYS[1], 'cx', ARGV[4]) == 1 then redis.call('HDEL', KEYS[1], 'cs') end
  if not isAbandoned() then
    redis.call('PUBLISH', ARGV[5], ARGV[6])
    return 2
  end
  -- The process may still come back; it is told then that the job is lost.
  noteLost(KEYS[1], ARGV[2])
  -- In a queue with a limit of jobs at the same time there is room for another now.
  if redis.call('HEXISTS', KEYS[11], 'paused') == 0 then redis.call('ZADD', KEYS[10], 0, '0') end
end
endCancelled({
  base = string.sub(KEYS[1], 1, -1 - #id), completed = KEYS[6], events = KEYS[7], deadlines = KEYS[8], now = ARGV[2],
  prev = waits and 'waiting' or 'active',
}, id, ARGV[3])
return 1
`

export const countTenant = `-- Counts the jobs of one tenant in a part of a place.
-- KEYS     1 place
-- ARGV     1 key base · 2 tenant · 3 tenant of jobs that name none · 4 index of the first entry to look at · 5 of the last
-- Returns  {entries looked at, those of the tenant, when the oldest of these was made in ms, or ''}
local kind, ids = redis.call('TYPE', KEYS[1])['ok'], {}
if kind == 'list' then ids = redis.call('LRANGE', KEYS[1], ARGV[4], ARGV[5]) end
if kind == 'zset' then ids = redis.call('ZRANGE', KEYS[1], ARGV[4], ARGV[5]) end

-- The first of that name is the envelope's own: only the version stands before it. What a caller wrote comes later.
local name = '"tenant":"'
local function isTheirs(env)
  local _, before = string.find(env or '', name, 1, true)
  if not before then return not env and ARGV[2] == ARGV[3] end
  return string.sub(env, before + 1, before + #ARGV[2] + 1) == ARGV[2] .. '"'
end

local found, oldest = 0, nil
for _, id in ipairs(ids) do
  local f = redis.pcall('HMGET', ARGV[1] .. id, 'env', 'timestamp')
  if not f['err'] and (f[1] or f[2]) and isTheirs(f[1]) then
    found = found + 1
    local madeAt = tonumber(f[2])
    if madeAt and (not oldest or madeAt < oldest) then oldest = madeAt end
  end
end
return {#ids, found, oldest and string.format('%.0f', oldest) or ''}
`

export const decideTicks = `-- Decides ticks of schedules, each once and for all: it makes its job, or it is written down why there is none, or it waits for
-- an earlier job to end. That and "this tick is decided" are one step, so that nobody can decide it again.
-- KEYS     1 last decided tick of each schedule · 2 fences · 3 ticks that wait · 4 ticks without a job
--          5 wait · 6 prioritized · 7 priority counter · 8 active · 9 events · 10 marker · 11 meta · 12 index · 13 deadlines
-- ARGV     1 key base of jobs · 2 key base of the open jobs of schedules · 3 now ms · 4 most jobs that may wait, or ''
--          5 most ticks of one schedule that may wait · then for each tick 15:
--          slot · token · schedule · tick (ms; of several the last) · verb · and with
--          \`skip\`     first tick · how many, or '' · outcome · reason · 6 × ''
--          \`fire\`, and \`release\` for one that waits:
--                     overlap policy · job id · type · input · options · envelope · priority · deadline ms, or ''
--                     · '<ms>:<cancel|fail>' if it has to start by then, or '' · up to where it stands for later times, in ms
-- Returns  for each: {1} it has its job · {2} written down as asked · {3} an earlier job is open, written down · {4} the queue
--          is full, written down · {5, ids of some of the open jobs} it waits · {0} it was decided before · {-1} the slot is another's now
local base, openBase, now, most, mostHeld = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local SIZE = 15
local first, count = 6, (#ARGV - 5) / SIZE

local fences = {}
local function isFenced(slot, token)
  local known = fences[slot] or tonumber(redis.call('HGET', KEYS[2], slot) or 0)
  if token > known then redis.call('HSET', KEYS[2], slot, token) end
  fences[slot] = math.max(known, token)
  return token < known
end

local last = {}
local function lastDecided(schedule)
  if last[schedule] == nil then last[schedule] = tonumber(redis.call('HGET', KEYS[1], schedule) or -1) end
  return last[schedule]
end

-- What is written for each of many is written together, in portions that Lua can hand over.
local portions = {{'HSET', KEYS[1]}, {'ZADD', KEYS[12]}, {'LPUSH', KEYS[5]}}
local MARKS, LISTED, WAITING, PORTION = 1, 2, 3, 1000

local function flush(which)
  local portion = portions[which]
  if #portion > 2 then redis.call(unpack(portion)) end
  portions[which] = {portion[1], portion[2]}
end

local function put(which, ...)
  local portion = portions[which]
  for _, value in ipairs({...}) do portion[#portion + 1] = value end
  if #portion > PORTION then flush(which) end
end

local function mark(schedule, tick)
  last[schedule] = tonumber(tick)
  put(MARKS, schedule, tick)
end

local function writeDown(schedule, from, to, ticks, outcome, reason)
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', 100000, '*', 'k', schedule, 'from', from, 'to', to, 'n', ticks, 'o', outcome,
    'r', reason, 'at', now)
end

-- {some of the open jobs; whether there are any}. Of a job that was deleted by hand, or ended by a worker of plain BullMQ, nobody
-- told the set. A redrive may open very many.
local function openJobs(schedule)
  local open, key = {}, openBase .. schedule
  for _, id in ipairs(redis.call('SRANDMEMBER', key, 100)) do
    local f = redis.pcall('HMGET', base .. id, 'timestamp', 'finishedOn')
    if f[1] and not f[2] then open[#open + 1] = id else redis.call('SREM', key, id) end
  end
  return open, #open > 0 or redis.call('SCARD', key) > 0
end

local depth
local function isFull()
  if not most then return false end
  depth = depth or redis.call('LLEN', KEYS[5]) + redis.call('ZCARD', KEYS[6]) + redis.call('ZCARD', base .. 'delayed')
  return depth >= most
end

local needsMarker = false

local function makeJob(i, schedule)
  local policy, id = ARGV[i + 5], ARGV[i + 6]
  local job, priority, deadline, startBy = base .. id, tonumber(ARGV[i + 11]), ARGV[i + 12], ARGV[i + 13]
  -- Only Redis that has lost the last decided ticks comes here twice.
  if redis.call('EXISTS', job) == 1 then return end
  local fields = {'name', ARGV[i + 7], 'data', ARGV[i + 8], 'opts', ARGV[i + 9], 'timestamp', now, 'delay', 0, 'priority',
    priority, 'env', ARGV[i + 10]}
  if deadline ~= '' then fields[#fields + 1], fields[#fields + 2] = 'dl', deadline end
  if startBy ~= '' then fields[#fields + 1], fields[#fields + 2] = 'sb', startBy end
  if policy ~= 'allow' then
    fields[#fields + 1], fields[#fields + 2] = 'sj', openBase .. schedule
    redis.call('SADD', openBase .. schedule, id)
  end
  redis.call('HSET', job, unpack(fields))
  put(LISTED, now, id)
  if priority == 0 then
    put(WAITING, id)
  else
    -- The score that BullMQ's addPrioritizedJob gives: the priority above 32 bits of arrival order.
    redis.call('ZADD', KEYS[6], priority * 0x100000000 + redis.call('INCR', KEYS[7]) % 0x100000000, id)
  end
  redis.call('XADD', KEYS[9], 'MAXLEN', '~', 10000, '*', 'event', 'waiting', 'jobId', id)
  local due = math.min(tonumber(deadline) or math.huge, tonumber(string.match(startBy, '^%d+')) or math.huge)
  if due < math.huge then redis.call('ZADD', KEYS[13], due, id) end
  if depth then depth = depth + 1 end
  needsMarker = true
end

-- {which wait, as text; how many}
local function heldOf(schedule)
  local text = redis.call('HGET', KEYS[3], schedule)
  if not text then return nil, 0 end
  local _, commas = string.gsub(text, ',', '')
  return text, commas + 1
end

local function fire(i, schedule, tick)
  local policy, upTo = ARGV[i + 5], ARGV[i + 14]
  if isFull() then
    writeDown(schedule, tick, tick, 1, 'skipped', 'the queue is full: ' .. depth .. ' jobs wait in it')
    mark(schedule, upTo)
    return {4}
  end
  if policy ~= 'allow' then
    local open, isOpen = openJobs(schedule)
    local held, heldCount = heldOf(schedule)
    -- Ticks that wait go first, so that nothing fires past them in the moment after the job before them ended.
    if isOpen or held then
      local reason
      if policy == 'skip' then
        reason = 'the job of an earlier tick has not ended'
      elseif policy == 'queue_one' and held or heldCount >= mostHeld then
        reason = 'the job of an earlier tick has not ended, and ' .. (heldCount == 1 and 'another tick waits' or
          heldCount .. ' others wait') .. ' for it already'
      end
      mark(schedule, upTo)
      if reason then
        writeDown(schedule, tick, tick, 1, 'skipped', reason)
        return {3}
      end
      if policy == 'cancel_running' and held then
        for earlier in string.gmatch(held, '%d+') do
          writeDown(schedule, earlier, earlier, 1, 'skipped', 'a later tick came while it waited for a cancelled job to end')
        end
        held = nil
      end
      redis.call('HSET', KEYS[3], schedule, held and held .. ',' .. tick or tick)
      return {5, unpack(open)}
    end
  end
  makeJob(i, schedule)
  mark(schedule, upTo)
  return {1}
end

local function release(i, schedule, tick)
  local held = heldOf(schedule)
  if not held or string.match(held, '^%d+') ~= tick then return {0} end
  local open, isOpen = openJobs(schedule)
  if isOpen then return {5, unpack(open)} end
  makeJob(i, schedule)
  local rest = string.match(held, '^%d+,(.*)\$')
  if rest then redis.call('HSET', KEYS[3], schedule, rest) else redis.call('HDEL', KEYS[3], schedule) end
  return {1}
end

local function decide(i)
  local schedule, tick, verb = ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  if isFenced(ARGV[i], tonumber(ARGV[i + 1])) then return {-1} end
  if verb == 'release' then return release(i, schedule, tick) end
  if tonumber(tick) <= lastDecided(schedule) then
    -- Whoever asks again, because an answer got lost, has to hear that it waits.
    local held = heldOf(schedule)
    local waits = held and string.find(',' .. held .. ',', ',' .. tick .. ',', 1, true)
    return waits and {5, unpack((openJobs(schedule)))} or {0}
  end
  if verb == 'fire' then return fire(i, schedule, tick) end
  writeDown(schedule, ARGV[i + 5], tick, ARGV[i + 6], ARGV[i + 7], ARGV[i + 8])
  mark(schedule, tick)
  return {2}
end

local replies = {}
for n = 0, count - 1 do replies[n + 1] = decide(first + n * SIZE) end

for which = 1, #portions do flush(which) end
if needsMarker then
  local meta = redis.call('HMGET', KEYS[11], 'paused', 'concurrency')
  if not meta[1] and (not meta[2] or redis.call('LLEN', KEYS[8]) < tonumber(meta[2])) then
    redis.call('ZADD', KEYS[10], 0, '0')
  end
end
return replies
`

export const deleteJob = `-- Deletes all that is known of a job that has ended.
-- KEYS     1 job · 2 its lock · 3 its log · 4 index of the jobs · 5 completed · 6 failed
--          7 dead letters that are not in the history yet · 8 finished jobs that are not kept · 9 dead letters that are not
-- ARGV     1 job id
-- Returns  1 deleted · 0 there is no such job · -1 it has not ended
local kind = redis.call('TYPE', KEYS[1])['ok']
if kind == 'none' then return 0 end
if kind == 'hash' then
  local isOpen = redis.call('HEXISTS', KEYS[1], 'finishedOn') == 0
  if isOpen or redis.call('EXISTS', KEYS[2]) == 1 then return -1 end
end
for i = 4, 9 do redis.call('ZREM', KEYS[i], ARGV[1]) end
redis.call('UNLINK', KEYS[1], KEYS[3])
return 1
`

export const discard = `-- Puts dead letters aside for good. They keep their status, and move to \`completed\` so that nothing revives them.
-- noteEvents()  of note-events.lua
-- KEYS     1 failed · 2 completed · 3 dead letters that are not in the history yet · 4 those that it does not keep
-- ARGV     1 key base · 2 now ms · 3 event as JSON · 4… job ids
-- Returns  the ids of those that were discarded
local moved = {}
for i = 4, #ARGV do
  local id = ARGV[i]
  local job = ARGV[1] .. id
  if redis.call('TYPE', job)['ok'] == 'hash' and redis.call('ZREM', KEYS[1], id) == 1 then
    redis.call('ZADD', KEYS[2], ARGV[2], id)
    redis.call('ZREM', KEYS[3], id)
    redis.call('ZREM', KEYS[4], id)
    redis.call('HSET', job, 'discardedAt', ARGV[2])
    noteEvents(job, ARGV[3])
    moved[#moved + 1] = id
  end
end
return moved
`

export const dropUnkept = `-- Removes the oldest of the finished jobs that no history keeps, and forgets dead letters of that kind that have left Redis: these
-- go as all do.
-- KEYS     1 finished jobs that are not kept · 2 index of the jobs · 3 dead letters that are not kept · 4 failed
-- ARGV     1 key base · 2 before when they have to have ended (ms) · 3 how many may stay · 4 most to remove
-- Returns  how many jobs were removed
local dead = redis.call('ZRANGE', KEYS[3], 0, ARGV[4] - 1)
for _, id in ipairs(dead) do
  -- The oldest go first.
  if redis.call('ZSCORE', KEYS[4], id) then break end
  redis.call('ZREM', KEYS[3], id)
end
local tooMany = redis.call('ZCARD', KEYS[1]) - ARGV[3]
local tooOld = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[2])
local count = math.min(math.max(tooMany, tooOld), tonumber(ARGV[4]))
if count <= 0 then return 0 end
local popped = redis.call('ZPOPMIN', KEYS[1], count)
for i = 1, #popped, 2 do
  local id = popped[i]
  redis.call('UNLINK', ARGV[1] .. id, ARGV[1] .. id .. ':logs')
  redis.call('ZREM', KEYS[2], id)
end
return count
`

export const endAudit = `-- Writes down what became of a change, beside its entry. If that is no longer there, the history took it or Redis lost it: it
-- is written again, with the time that it had.
-- KEYS     1 entries · 2 outcomes
-- ARGV     1 id · 2 place of the entry in the stream · 3 when it was written, in ms since 1970 · 4 entry as JSON
--          5 outcome as JSON · 6 \`1\` to be written also if Redis is full
-- Returns  1 it stands beside its entry · 2 the entry was written again · 0 it was there already
if ARGV[6] == '1' then redis.call('PERSIST', KEYS[1]) end -- see begin-audit.lua
if redis.call('HSETNX', KEYS[2], ARGV[1], ARGV[5]) == 0 then return 0 end
local there = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if there and there[2][2] == ARGV[1] then return 1 end
redis.call('XADD', KEYS[1], '*', 'id', ARGV[1], 'begin', ARGV[4], 'at', ARGV[3])
return 2
`

export const endCancelled = `-- Ends a job as cancelled that was taken out of its place, without an attempt that ends it. It goes to \`completed\`, so that no
-- "retry all" of dead letters revives it.
-- Part of cancel.lua, recover-stalled.lua and end-unstarted.lua.
-- noteEnd()  of note-end.lua
-- Gives    endCancelled(place, its id, return value as JSON, which holds the reason); the place says where and when:
--          {base, completed, events, deadlines: keys; now: ms; prev: where the job was, for the event}
local function endCancelled(place, id, value)
  local job = place.base .. id
  redis.call('ZADD', place.completed, place.now, id)
  redis.call('HSET', job, 'st', 'cancelled', 'finishedOn', place.now, 'returnvalue', value)
  noteEnd(job, id, place.deadlines)
  redis.call('XADD', place.events, 'MAXLEN', '~', 10000, '*', 'event', 'completed', 'jobId', id, 'returnvalue', value,
    'prev', place.prev, 'st', 'cancelled')
end
`

export const endOverdue = `-- Makes dead letters of jobs that wait past their deadline: for a worker, in a paused queue, for their time or their retry.
-- Those that were to start by then, and did not, end as they are to.
-- bury()   of bury.lua
-- endUnstarted()  of end-unstarted.lua; so is isPast()
-- noteEvents()  of note-events.lua
-- KEYS     1 deadlines · 2 wait · 3 prioritized · 4 delayed · 5 failed · 6 events
--          7 dead letters that are not in the history yet · 8 completed
-- ARGV     1 key base · 2 most to look at · 3 ms until one that does not wait is looked at again
--          4 kind, 5 name and 6 message of their error
--          7 most entries of lists to search: it looks at fewer jobs if each may stand anywhere in a long one
--          8 message for one that did not start in time · 9 return value as JSON of one that is cancelled for that
-- Returns  {how many have ended by it, 1 if more may be due, else 0}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local grave = {
  base = ARGV[1], failed = KEYS[5], unrecorded = KEYS[7], events = KEYS[6], deadlines = KEYS[1], now = now,
  prev = 'waiting', completed = KEYS[8], kind = ARGV[4], name = ARGV[5], unstarted = ARGV[8], cancelled = ARGV[9],
}

local function leavesItsPlace(id)
  return redis.call('EXISTS', ARGV[1] .. id .. ':lock') == 0 and (redis.call('ZREM', KEYS[4], id) == 1
    or redis.call('ZREM', KEYS[3], id) == 1 or redis.call('LREM', KEYS[2], -1, id) == 1)
end

local most = math.max(1, math.min(ARGV[2], math.floor(ARGV[7] / (redis.call('LLEN', KEYS[2]) + 1))))
local due, ended = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, most), 0
for _, id in ipairs(due) do
  local job = ARGV[1] .. id
  -- First what needs no room: a full Redis refuses a script that has written nothing yet.
  redis.call('ZREM', KEYS[1], id)
  local isOpen = redis.call('TYPE', job)['ok'] == 'hash' and redis.call('HEXISTS', job, 'finishedOn') == 0
  -- One that was started in time has none: start-in-time.lua.
  local startBy = isOpen and redis.call('HGET', job, 'sb')
  if startBy and isPast(startBy, now) and leavesItsPlace(id) then
    endUnstarted(grave, id, startBy)
    ended = ended + 1
  elseif isOpen and leavesItsPlace(id) then
    noteEvents(job, cjson.encode({event = 'timed_out', at = now, detail = ARGV[6]}))
    bury(grave, id, 'timed_out', ARGV[4], ARGV[5], ARGV[6])
    ended = ended + 1
  elseif isOpen then
    -- It runs, and its worker ends it; or puts it back to where it waits, or dies. It does not stand before the others.
    redis.call('ZADD', KEYS[1], now + ARGV[3], id)
  end
end
return {ended, #due == most and 1 or 0}
`

export const endUnstarted = `-- Ends a job that no worker has started in time, as its schedule says: it is cancelled, or becomes a dead letter. It was taken
-- out of its place. Part of end-overdue.lua and start-in-time.lua.
-- bury()   of bury.lua
-- endCancelled()  of end-cancelled.lua
-- Gives    isPast(its \`sb\`, now ms)
--          endUnstarted(grave, its id, its \`sb\`); the grave is what both of those need, and says what the job ends with:
--          {…; kind, name, unstarted: kind, name and message of the error; cancelled: return value as JSON}
local function isPast(startBy, now)
  return tonumber(string.match(startBy, '^%d+') or math.huge) <= now
end

local function endUnstarted(grave, id, startBy)
  if string.find(startBy, ':cancel', 1, true) then
    endCancelled(grave, id, grave.cancelled)
  else
    bury(grave, id, 'failed', grave.kind, grave.name, grave.unstarted)
  end
end
`

export const finish = `-- Ends jobs, each as BullMQ's script does, which stands before this as finish(key of the job, arguments). What goes wrong with
-- one of them leaves the others as they are.
-- cancelRequest()  of cancel-request.lua
-- KEYS     1..11, 13, 14 as BullMQ has them · 12 index of the jobs · 15 dead letters that are not in the history yet · 16..
--          the jobs
-- ARGV     1 prefix of BullMQ's keys · 2 where they go, "completed" or "failed" · 3 BullMQ's field for the outcome · 4 BullMQ's
--          options as JSON · then for each job: how much follows · id · when it ended, in ms · outcome · 1 to fetch the next
--          one, or 0 · token · attempts that it may have · attempts used · the deadlines if something outlives the job that is
--          to be told of its end, else empty · names and values of fields, \`atm\` and \`st\` first
-- Returns  for each job what BullMQ's script does, or the error, or the request to cancel it, as JSON: such a job is not buried
local opts, answers, at, most = cjson.decode(ARGV[4]), {}, 5, #KEYS - 15
local keep = opts.keepJobs

local function finishUnlessCancelled(job, args)
  return ARGV[2] == 'failed' and cancelRequest(job, opts.token) or finish(job, args)
end

for n = 1, most do
  local last = at + ARGV[at]
  local id, ended, outcome, fetches, token, attempts, used, deadlines = unpack(ARGV, at + 1, at + 8)
  opts.token, opts.attempts = token, attempts
  -- What is too old, or too much, goes with the last one.
  if keep.count ~= 0 then opts.keepJobs = n == most and keep or {count = -1} end
  local args = {id, ended, ARGV[3], outcome, ARGV[2], fetches, ARGV[1], opts, used, deadlines, unpack(ARGV, at + 9, last)}
  local isDone, answer = pcall(finishUnlessCancelled, KEYS[15 + n], args)
  answers[n] = isDone and answer or {err = answer}
  at = last + 1
end
return answers
`

export const forgetQueue = `-- Drops a queue that was found empty and unannounced, if nobody has announced it since.
-- KEYS     1 queues, by when they were last announced
-- ARGV     1 queue · 2 when it was last announced (ms), as it was found
-- Returns  1 dropped · 0 it was announced again, or is gone
if redis.call('ZSCORE', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
`

export const handBack = `-- Returns a running job to the front of its queue without using up the attempt.
-- bull()   BullMQ's moveJobFromActiveToWait, which checks the lock
-- cancelRequest()  of cancel-request.lua
-- KEYS     BullMQ's nine: 8 marker
-- ARGV     BullMQ's three: 2 token · 3 job hash · then 4 field of the attempt · 5 its record as JSON
-- Returns  0 or more: handed back · negative: BullMQ's refusal (the job is no longer ours) · the request to cancel the job, as
--          JSON: it stays where it is, to be ended
local request = cancelRequest(ARGV[3], ARGV[2])
if request then return request end
local result = bull()
if result < 0 then return result end
redis.call('HSET', ARGV[3], ARGV[4], ARGV[5])
-- BullMQ wakes nobody for a job with a priority: without this it waits until a worker looks by itself.
redis.call('ZADD', KEYS[8], 0, '0')
return result
`

export const holdLease = `-- Takes a lease, or renews it.
-- KEYS     1 lease
-- ARGV     1 who · 2 for how long (ms)
-- Returns  1 it is theirs · 0 somebody else has it
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`

export const holdOperation = `-- Renews the lease of an operation, or gives it back.
-- KEYS     1 operation · 2 operations to drive, by the end of their leases
-- ARGV     1 its id · 2 token · 3 ms from now until somebody else may take it; '' if nobody has to
--          4 ms for which the record of one that is not at its end is kept
-- Returns  its state · nothing if somebody else has the lease
local f = redis.call('HMGET', KEYS[1], 'token', 'state')
if f[1] ~= ARGV[2] then return false end
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[2], ARGV[1])
else
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3], ARGV[1])
end
if f[2] == 'running' or f[2] == 'paused' then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return f[2]
`

export const holdSlots = `-- Says that a scheduler is there, and takes, renews and gives back slots. Tokens of a slot grow, also if Redis lost the last.
-- KEYS     1 leases · 2 schedulers · 3 when the projection began · 4 its revision
-- ARGV     1 who · 2 for how long (ms) · 3 \`leave\` to sign off, or \`stay\` · 4 how many slots are wanted · those · then those to give back
-- Returns  {now in µs, when the projection began or false, its revision or false, schedulers, for each wanted slot its token or 0}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me, ttl, wanted = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[4])
if ARGV[3] == 'leave' then redis.call('ZREM', KEYS[2], me) else redis.call('ZADD', KEYS[2], now, me) end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ttl)
-- The clock may have been set back: what lies further ahead than any lease is of before.
redis.call('ZREMRANGEBYSCORE', KEYS[2], now + ttl, '+inf')

local function leaseOf(slot)
  local owner, token, till = string.match(redis.call('HGET', KEYS[1], slot) or '', '^(%S*) (%d+) (%d+)\$')
  return owner or '', tonumber(token or 0), tonumber(till or 0)
end

for i = 5 + wanted, #ARGV do
  local owner, token = leaseOf(ARGV[i])
  if owner == me then redis.call('HSET', KEYS[1], ARGV[i], ' ' .. token .. ' 0') end
end
local tokens = {}
for i = 5, 4 + wanted do
  local owner, token, till = leaseOf(ARGV[i])
  if owner ~= me and till > now and till <= now + ttl then
    token = 0
  else
    if owner ~= me then token = math.max(token + 1, now) end
    redis.call('HSET', KEYS[1], ARGV[i], string.format('%s %.0f %.0f', me, token, now + ttl))
  end
  tokens[#tokens + 1] = string.format('%.0f', token)
end
return {string.format('%d%06d', time[1], time[2]), redis.call('GET', KEYS[3]), redis.call('GET', KEYS[4]),
  redis.call('ZRANGE', KEYS[2], 0, -1), tokens}
`

export const holds = `-- Whether an attempt still has its job. A lock that ran out while nobody took the job, for example because Redis hung, is
-- no loss: leaving \`active\` without the lock counts a stall, and each claim counts a start.
-- Part of renew-locks.lua, mark-blocked.lua, start-in-time.lua and write-attempt.lua.
-- attemptField()  of attempt-field.lua
local function holds(job, token, attempt, stalls)
  -- A key that holds no hash any more is no job, and no reason to fail the others of a renewal.
  local f = redis.pcall('HMGET', job, 'ats', 'stc', 'finishedOn')
  if f[1] ~= attempt then return false end
  local owner = redis.call('GET', job .. ':lock')
  if owner then return owner == token end
  if (f[2] or '0') ~= stalls or f[3] then return false end
  -- The attempt may have put its job off or handed it back just now, while somebody renews its lock: its record says so.
  local n = tonumber(attempt)
  local readable, record = pcall(cjson.decode, redis.call('HGET', job, attemptField(n)) or 'null')
  return not (readable and type(record) == 'table' and record.n == n)
end
`

export const leaveHome = `-- Forgets what was decided of a schedule in a queue: it was deleted, or has moved. Ticks that wait are written down as skipped.
-- KEYS     1 last decided tick of each schedule · 2 ticks that wait · 3 ticks without a job
-- ARGV     1 schedule · 2 now ms · 3 reason
for tick in string.gmatch(redis.call('HGET', KEYS[2], ARGV[1]) or '', '%d+') do
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', 100000, '*', 'k', ARGV[1], 'from', tick, 'to', tick, 'n', 1, 'o', 'skipped', 'r',
    ARGV[3], 'at', ARGV[2])
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
`

export const logsOf = `-- Reads the logs of many jobs. Most have none, and a command for each costs its sender more than all that is read.
-- KEYS     their logs
-- Returns  for each its lines, oldest first; none if the key holds something else
local logs = {}
for i, key in ipairs(KEYS) do
  local lines = redis.pcall('LRANGE', key, 0, -1)
  logs[i] = lines.err and {} or lines
end
return logs
`

export const markBlocked = `-- Notes in a job that its process is killed because the main loop is blocked past the attempt's timeout, or past its grace after
-- a cancel. The script that recovers the job makes it so: recover-stalled.lua.
-- holds()  of holds.lua
-- KEYS     1 job
-- ARGV     1 lock token · 2 attempt · 3 stalls · 4 now ms
-- Returns  1 noted · 0 the job has another owner now
if not holds(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], 'wd', cjson.encode({attempt = tonumber(ARGV[2]), at = tonumber(ARGV[4])}))
return 1
`

export const nextDead = `-- Reads dead letters in the order of their deaths, from behind one of them: by place, which follows from its time and id,
-- so that none is passed over or met twice however many have left the set, it among them.
-- KEYS     1 failed
-- ARGV     1 its time of death (ms) · 2 its id, or '' for all of that time · 3 how many
-- Returns  ids and times of death in turn
local at, id = ARGV[1], ARGV[2]

-- By bytes, as Redis orders members: Lua's own comparison goes by the server's locale.
local function isBehind(member)
  for i = 1, math.min(#member, #id) do
    local ours, its = string.byte(member, i), string.byte(id, i)
    if ours ~= its then return ours > its end
  end
  return #member > #id
end

local low = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. at)
local high = low + redis.call('ZCOUNT', KEYS[1], at, at)
while low < high do
  local middle = math.floor((low + high) / 2)
  if isBehind(redis.call('ZRANGE', KEYS[1], middle, middle)[1]) then high = middle else low = middle + 1 end
end
return redis.call('ZRANGE', KEYS[1], low, low + ARGV[3] - 1, 'WITHSCORES')
`

export const noteEnd = `-- Tells the end of a job to what outlives it: the idempotency record of the request that made it, which has to answer when
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
`

export const noteEvents = `-- Adds to what a job keeps of what no attempt caused: in \`ev\`, a line each. The first three and the last seventeen stay, as of its
-- attempts; \`eo\` counts those between that were left out.
-- Part of promote.lua, discard.lua, redrive.lua and end-overdue.lua.
-- Gives    noteEvents(key of the job, event as JSON, …); each gets how many attempts had been started by then
local function noteEvents(job, ...)
  local f = redis.call('HMGET', job, 'ats', 'ev')
  local lines = f[2] or ''
  for _, event in ipairs({...}) do
    lines = lines .. string.sub(event, 1, -2) .. ',"after":' .. (f[1] or 0) .. '}\\n'
  end
  local surplus = select(2, string.gsub(lines, '\\n', '')) - 20
  if surplus > 0 then
    local n = 0
    lines = string.gsub(lines, '[^\\n]*\\n', function(line)
      n = n + 1
      return n > 3 and n <= 3 + surplus and '' or line
    end)
    redis.call('HINCRBY', job, 'eo', surplus)
  end
  redis.call('HSET', job, 'ev', lines)
end
`

export const noteLost = `-- Keeps the record of an attempt whose process is gone. Should the process come back, that tells it that the end of the job
-- is none of its own: held-move.ts.
-- Part of recover-stalled.lua and cancel.lua.
-- attemptField()  of attempt-field.lua
-- Gives    noteLost(key of the job, now ms, message if the attempt has timed out)
local function noteLost(job, now, timeout)
  local f = redis.call('HMGET', job, 'ats', 'pb', 'processedOn')
  local record = {
    n = tonumber(f[1]) or 0, worker = f[2] or '', start = tonumber(f[3]) or 0, ['end'] = tonumber(now), outcome = 'lost',
  }
  if timeout then
    record.outcome = 'timed_out'
    record.reason = timeout
    record.error = {name = 'TimeoutError', kind = 'timeout', message = timeout}
  end
  redis.call('HSET', job, attemptField(record.n), cjson.encode(record))
end
`

export const openPart = `-- Opens what an operation does in one queue to whoever has its lease, and closes it to all who had it before.
-- KEYS     1 part of the operation
-- ARGV     1 token · 2 ms for which it is kept
-- Returns  its fields and their values · nothing if somebody had the lease later
if tonumber(redis.call('HGET', KEYS[1], 'token') or 0) > tonumber(ARGV[1]) then return false end
redis.call('HSET', KEYS[1], 'token', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('HGETALL', KEYS[1])
`

export const openSlot = `-- Begins to decide the ticks of a slot in a queue: whoever did so before can no more.
-- KEYS     1 last decided tick of each schedule · 2 fences · 3 ticks that wait
-- ARGV     1 slot · 2 token · 3… schedules
-- Returns  0 the slot is another's now, or for each schedule: its last decided tick or nil, and the ticks that wait or nil
if tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or 0) > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local found = {}
for i = 3, #ARGV do
  found[#found + 1] = redis.call('HGET', KEYS[1], ARGV[i])
  found[#found + 1] = redis.call('HGET', KEYS[3], ARGV[i])
end
return found
`

export const postpone = `-- Puts a running job off, for a retry or a snooze.
-- bull()   BullMQ's moveToDelayed, which checks the lock
-- cancelRequest()  of cancel-request.lua
-- KEYS     BullMQ's eleven: 5 job     ARGV BullMQ's nine: 4 token
-- Returns  0: put off · negative: BullMQ's refusal (the job is no longer ours) · the request to cancel the job, as JSON: it
--          stays where it is, to be ended
return cancelRequest(KEYS[5], ARGV[4]) or bull()
`

export const projectAccess = `-- Writes who may do what, unless Redis has the same or something later.
-- KEYS     1 snapshot · 2 its revision
-- ARGV     1 revision · 2 snapshot as JSON
-- Returns  1 it was written · 0 it was not
-- Either could have been lost without the other: then it counts as none.
local known = redis.call('EXISTS', KEYS[1]) == 1 and tonumber(redis.call('GET', KEYS[2])) or -1
if known >= tonumber(ARGV[1]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[1])
return 1
`

export const projectSchedules = `-- Writes definitions of schedules and calendars as they are in PostgreSQL, unless Redis has the same or something later. What a
-- schedule was before stays beside it until its last ticks are decided. A deleted one leaves its revision.
-- KEYS     1 changes · 2 when the projection began · 3 calendars
-- ARGV     1 key base of the definitions of a slot · 2 most earlier versions to keep
--          then for each: slot, '' for a calendar · schedule or calendar · revision · since when it is so (ms) · JSON, '' if deleted
-- Returns  how many were written
local time = redis.call('TIME')
redis.call('SET', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000), 'NX')
local written = 0
for i = 3, #ARGV, 5 do
  local slot, key, revision, since, text = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local place = slot == '' and KEYS[3] or ARGV[1] .. slot
  local old = redis.call('HGET', place, key)
  if tonumber(old and string.match(old, '^%d+') or -1) < tonumber(revision) then
    local lines = {revision, text}
    if old and slot ~= '' then
      local current, earlier = string.match(old, '^%d+\\n([^\\n]*)\\n?(.*)\$')
      for line in string.gmatch(earlier, '[^\\n]+') do lines[#lines + 1] = line end
      if current ~= '' then lines[#lines + 1] = since .. ':' .. current end
      while #lines - 2 > tonumber(ARGV[2]) do table.remove(lines, 3) end
    end
    if slot == '' and text == '' then
      -- No schedule names a calendar that was deleted: one that a late writer revives harms nobody.
      redis.call('HDEL', place, key)
    else
      redis.call('HSET', place, key, table.concat(lines, '\\n'))
    end
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', '50000', '*', 's', slot, 'k', key)
    written = written + 1
  end
end
return written
`

export const promote = `-- Makes a delayed job due now and notes who asked.
-- bull()   BullMQ's promote
-- noteEvents()  of note-events.lua
-- KEYS     BullMQ's nine     ARGV BullMQ's two: 1 key base, 2 job id · then 3 event as JSON
-- Returns  1 promoted · 0 the job is not delayed
if bull() < 0 then return 0 end
noteEvents(ARGV[1] .. ARGV[2], ARGV[3])
return 1
`

export const quarantine = `-- Makes dead letters of jobs that BullMQ's scripts would stumble over: such a script stops half-way, and the job is then
-- in no list at all, sometimes with its neighbours. Part of recover-stalled.lua, before BullMQ's own part.
-- bury()   of bury.lua
-- KEYS     1 stalled · 3 active · 8 events · 10 failed · 11 delayed · 13 deadlines
--          14 dead letters that are not in the history yet · 15 completed
-- ARGV     2 key base · 3 now ms · 4 ms to the next check · 6 key base for what is no job · 7 ms for which that is kept
-- Gives    quarantine(): the ids of those jobs · grave: what bury() and endCancelled() are told of here
local grave = {
  base = ARGV[2], failed = KEYS[10], unrecorded = KEYS[14], events = KEYS[8], deadlines = KEYS[13], now = ARGV[3],
  prev = 'active', completed = KEYS[15],
}

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
    bury(grave, id, 'failed', 'unreadable', 'UnrecoverableError', problem)
    ids[#ids + 1] = id
  end
  return ids
end
`

export const readAudit = `-- Reads audit entries and what is known of their outcomes, as of one moment.
-- KEYS     1 entries · 2 outcomes
-- ARGV     1 \`XRANGE\` or \`XREVRANGE\` · 2 from · 3 to · 4 most to read
-- Returns  for each: place in the stream, its fields, its outcome or an empty text
local read = {}
for _, entry in ipairs(redis.call(ARGV[1], KEYS[1], ARGV[2], ARGV[3], 'COUNT', ARGV[4])) do
  read[#read + 1] = {entry[1], entry[2], redis.call('HGET', KEYS[2], entry[2][2]) or ''}
end
return read
`

export const readLog = `-- Reads a job's log from behind one of its lines. The number of a line counts all that the job has written before it, also
-- those that are no longer kept, and itself: so it stays when lines are trimmed.
-- KEYS     1 job · 2 logs
-- ARGV     1 number of the line to go on from, 0 for the start · 2 most lines to read
-- Returns  {number of the last line, 1 if the job has ended, number of the line before the first that is read, lines…}
--          or nothing: there is no such job
if redis.call('TYPE', KEYS[1])['ok'] ~= 'hash' then return {} end
local f = redis.call('HMGET', KEYS[1], 'ln', 'finishedOn')
local length = redis.call('LLEN', KEYS[2])
local last = math.max(tonumber(f[1]) or 0, length)
local gone = last - length
local after = math.max(tonumber(ARGV[1]), gone)
local lines = after < last and redis.call('LRANGE', KEYS[2], after - gone, after - gone + ARGV[2] - 1) or {}
return {last, f[2] and 1 or 0, after, unpack(lines)}
`

export const recoverStalled = `-- Counts the death of a process as an attempt, in the step that puts its job back. An attempt for which the process was
-- killed, because it blocked the main loop, has timed out; the others are lost. A job that somebody has cancelled ends as
-- cancelled instead. One whose attempts are used up, or under which the process died too often, is a dead letter.
-- MAX_DEATHS is how often it may, UNREADABLE_REQUEST what a request to cancel is taken for that was broken by hand.
-- bull()        BullMQ's moveStalledJobsToWait; gives the ids it moved to the front of \`wait\`
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
`

export const redrive = `-- Puts dead letters back into their queue with all attempts and all their time to go. Idempotent: a job is moved by whoever
-- removes it from \`failed\` first.
-- noteEvents()  of note-events.lua
-- KEYS     1 failed · 2 wait · 3 prioritized · 4 priority counter · 5 events · 6 marker · 7 meta · 8 deadlines
--          9 index of the jobs · 10 dead letters that are not in the history yet · 11 those that it does not keep
-- ARGV     1 key base · 2 now ms · 3 event as JSON · 4… job ids
-- Returns  the ids of those that were put back
local moved = {}

-- Of a job that has a deadline. It would die at once if it had to keep to the one that has passed.
local function deadlineAnew(env, createdAt)
  if not string.find(env or '', '"deadlineAt"', 1, true) then return nil end
  local readable, envelope = pcall(cjson.decode, env)
  local first = readable and type(envelope) == 'table' and tonumber(envelope.deadlineAt)
  return first and ARGV[2] + first - (tonumber(createdAt) or first)
end

for i = 4, #ARGV do
  local id = ARGV[i]
  local job = ARGV[1] .. id
  if redis.call('TYPE', job)['ok'] == 'hash' and redis.call('ZREM', KEYS[1], id) == 1 then
    local f = redis.call('HMGET', job, 'st', 'finishedOn', 'ats', 'ik', 'env', 'timestamp', 'tq', 'sj')
    -- The end that is undone stays in the timeline. That of a job that timed out is told already.
    if f[1] == 'failed' and f[2] then
      local attempt = f[3] and ',"attempt":' .. f[3] or ''
      noteEvents(job, '{"event":"failed","at":' .. f[2] .. attempt .. '}', ARGV[3])
    else
      noteEvents(job, ARGV[3])
    end
    redis.call('HDEL', job, 'finishedOn', 'processedOn', 'failedReason', 'stacktrace', 'returnvalue', 'progress', 'atm',
      'stc', 'defa', 'st', 'ek', 'en', 'fp', 'cx', 'cs', 'sb', 'ps')
    -- The history may have it as it died. It is told of the next end too, whichever that is, and lists have it from here again.
    redis.call('HSET', job, 'rd', 1)
    redis.call('ZREM', KEYS[10], id)
    redis.call('ZREM', KEYS[11], id)
    redis.call('ZADD', KEYS[9], tonumber(f[6]) or 0, id)
    -- What note-end.lua told the idempotency record no longer holds.
    if f[4] and redis.call('HGET', f[4], 'id') == id then
      redis.call('HDEL', f[4], 'st', 'finishedOn', 'processedOn', 'ats', 'atm')
    end
    if f[7] then redis.call('SADD', f[7], id) end
    if f[8] then redis.call('SADD', f[8], id) end
    local deadline = deadlineAnew(f[5], f[6])
    if deadline then
      redis.call('HSET', job, 'dl', deadline)
      redis.call('ZADD', KEYS[8], deadline, id)
    end
    local priority = tonumber(redis.call('HGET', job, 'priority')) or 0
    if priority == 0 then
      redis.call('LPUSH', KEYS[2], id)
    else
      -- The score that BullMQ's addPrioritizedJob gives: the priority above 32 bits of arrival order.
      local arrival = redis.call('INCR', KEYS[4])
      redis.call('ZADD', KEYS[3], priority * 0x100000000 + arrival % 0x100000000, id)
    end
    redis.call('XADD', KEYS[5], 'MAXLEN', '~', 10000, '*', 'event', 'waiting', 'jobId', id, 'prev', 'failed')
    moved[#moved + 1] = id
  end
end
if #moved > 0 and redis.call('HEXISTS', KEYS[7], 'paused') == 0 then redis.call('ZADD', KEYS[6], 0, '0') end
return moved
`

export const renewClaimed = `-- Renews every lock that a worker has in a queue. While its main loop is blocked it does not know them all: the answer to
-- a fetch waits unread, the end of an attempt waits unsent.
-- KEYS     1 active · 2 stalled
-- ARGV     1 key base · 2 ms for which a lock lasts · 3 what the worker's lock tokens begin with
-- Returns  how many
local renewed = 0
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local lock = ARGV[1] .. id .. ':lock'
  local owner = redis.call('GET', lock)
  if owner and string.sub(owner, 1, #ARGV[3]) == ARGV[3] then
    redis.call('PEXPIRE', lock, ARGV[2])
    redis.call('SREM', KEYS[2], id)
    renewed = renewed + 1
  end
end
return renewed
`

export const renewLocks = `-- Renews the locks of running attempts, also those that ran out, and tells which of them have lost their job or are asked
-- to end.
-- holds()  of holds.lua
-- KEYS     1 stalled
-- ARGV     1 key base · 2 ms for which a lock lasts · then for each attempt: job id · lock token · attempt · stalls
-- Returns  {places of the lost ones in that list, from 0; of those asked to end: place · request as JSON, …}
local lost, asked = {}, {}
for i = 3, #ARGV, 4 do
  local id = ARGV[i]
  local job = ARGV[1] .. id
  local place = (i - 3) / 4
  if holds(job, ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]) then
    -- First what needs no room: a full Redis refuses a script that has written nothing yet, and no lock would last there.
    redis.call('SREM', KEYS[1], id)
    redis.call('SET', job .. ':lock', ARGV[i + 1], 'PX', ARGV[2])
    local request = redis.call('HGET', job, 'cx')
    if request then
      -- Its process lives: cancel.lua begins anew to wait for it.
      redis.call('HDEL', job, 'cs')
      asked[#asked + 1] = place
      asked[#asked + 1] = request
    end
  else
    lost[#lost + 1] = place
  end
end
return {lost, asked}
`

export const settleSchedule = `-- Drops the earlier versions of a schedule, whose ticks are all decided; of a deleted one everything, when \`forget\` is given.
-- KEYS     1 definitions of its slot · 2 homes of its slot
-- ARGV     1 schedule · 2 its revision, as it was read · 3 \`forget\` or ''
-- Returns  1 it was still so · 0 it has changed since
local text = redis.call('HGET', KEYS[1], ARGV[1])
local revision, current = string.match(text or '', '^(%d+)\\n([^\\n]*)')
if revision ~= ARGV[2] then return 0 end
if current == '' then redis.call('HDEL', KEYS[2], ARGV[1]) end
if current == '' and ARGV[3] == 'forget' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], revision .. '\\n' .. current)
end
return 1
`

export const startInTime = `-- Whether a job that was just claimed, and has to start by some time, is started. If it is in time, it no longer has to; what is
-- left to keep to is its deadline. If that time has passed by the clock of Redis, the job ends here as by end-overdue.lua. What
-- tells of the claim then is its number and the \`active\` that BullMQ's script has put on the event stream with it, no start.
-- One that somebody has cancelled meanwhile is its worker's to end, however late it is.
-- holds()  of holds.lua
-- endUnstarted()  of end-unstarted.lua; so is isPast()
-- KEYS     1 deadlines · 2 active · 3 stalled · 4 failed · 5 completed · 6 events
--          7 dead letters that are not in the history yet
-- ARGV     1 key base · 2 job id · 3 lock token · 4 attempt · 5 stalls
--          6 kind, 7 name and 8 message of its error · 9 return value as JSON of one that is cancelled
-- Returns  1 it is, or was before · the request to cancel it, as JSON · 0 it has ended, or has another owner now
local id = ARGV[2]
local job = ARGV[1] .. id
if not holds(job, ARGV[3], ARGV[4], ARGV[5]) then return 0 end
local request, startBy, deadline = unpack(redis.call('HMGET', job, 'cx', 'sb', 'dl'))
if request then return request end
if not startBy then return 1 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- First what needs no room: a full Redis refuses a script that has written nothing yet.
if not isPast(startBy, now) then
  redis.call('HDEL', job, 'sb')
  redis.call('ZREM', KEYS[1], id)
  if deadline then redis.call('ZADD', KEYS[1], deadline, id) end
  return 1
end
redis.call('LREM', KEYS[2], 1, id)
redis.call('SREM', KEYS[3], id)
redis.call('DEL', job .. ':lock')
redis.call('HDEL', job, 'processedOn', 'pb')
endUnstarted({
  base = ARGV[1], failed = KEYS[4], unrecorded = KEYS[7], events = KEYS[6], deadlines = KEYS[1], now = now, prev = 'active',
  completed = KEYS[5], kind = ARGV[6], name = ARGV[7], unstarted = ARGV[8], cancelled = ARGV[9],
}, id, startBy)
return 0
`

export const startOperation = `-- Stores a new operation, and gives its lease to whoever starts it.
-- KEYS     1 operation · 2 operations to drive, by the end of their leases
-- ARGV     1 its id · 2 length of the lease (ms) · 3 ms for which the record is kept · 4… its fields and their values
-- Returns  nothing
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
`

export const surplus = `-- What the end of a job removes of others that ended, in place of what BullMQ reads there. Part of finish.
-- KEYS     12 index of the jobs · 15 dead letters that are not in the history yet
-- Gives    surplus(set, most that it may hold, how many to take at once): ids of the oldest, taken out of the set; none
--            before there are as many as that too many: together they cost a fraction of one at a time. Nor more: what
--            cancels and discards add to the set does not trim it, so that one job that ends may meet very many.
--          outdated(set, ms, most): ids of jobs that ended before then
local function unlist(ids)
  if #ids > 0 then
    redis.call('ZREM', KEYS[12], unpack(ids))
    redis.call('ZREM', KEYS[15], unpack(ids))
  end
  return ids
end

local function surplus(set, most, atOnce)
  local ids = {}
  if redis.call('ZCARD', set) - most >= atOnce then
    local popped = redis.call('ZPOPMIN', set, atOnce)
    for i = 1, #popped, 2 do ids[#ids + 1] = popped[i] end
  end
  return unlist(ids)
end

local function outdated(set, before, most)
  return unlist(redis.call('ZREVRANGEBYSCORE', set, before, '-inf', 'LIMIT', 0, most))
end
`

export const takeAudit = `-- Removes audit entries that the history has as they were read.
-- KEYS     1 entries · 2 outcomes
-- ARGV     for each: place in the stream · id · \`1\` if its outcome was read as well; without it an entry stays whose outcome
--          has come since
-- Returns  how many were removed
local taken = 0
for i = 1, #ARGV, 3 do
  if ARGV[i + 2] == '1' or redis.call('HEXISTS', KEYS[2], ARGV[i + 1]) == 0 then
    taken = taken + redis.call('XDEL', KEYS[1], ARGV[i])
    redis.call('HDEL', KEYS[2], ARGV[i + 1])
  end
end
return taken
`

export const takeFromOutbox = `-- Removes from the outbox what the history has taken, or was told not to keep, as far as it is still as it was read: what ended
-- anew meanwhile is to be read again. Finished jobs that were taken leave Redis, others stay for a while. Dead letters stay, to
-- be redriven; those that were taken are no longer in the index, as lists have them from the history.
-- KEYS     1 completed · 2 unrecorded dead letters · 3 index of the jobs · 4 finished jobs that are not kept
--          5 how many were taken, ever · 6 the last takes · 7 how many were taken of each tenant, ever
--          8 dead letters that are not kept
-- ARGV     1 key base · then for each: its id, its place (\`completed\` or \`failed\`), its score when it was read, its tenant if
--          it was taken, else ''
-- Returns  how many were still as they were read
local done, taken, takenOf = 0, 0, {}
for i = 2, #ARGV, 4 do
  local id, place, score, isTaken = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3] ~= ''
  local set = place == 'completed' and KEYS[1] or KEYS[2]
  if redis.call('ZSCORE', set, id) == score then
    done = done + 1
    redis.call('ZREM', set, id)
    if isTaken then redis.call('ZREM', KEYS[3], id) end
    if place == 'completed' and isTaken then
      redis.call('UNLINK', ARGV[1] .. id, ARGV[1] .. id .. ':logs')
      taken = taken + 1
      takenOf[ARGV[i + 3]] = (takenOf[ARGV[i + 3]] or 0) + 1
    elseif not isTaken then
      redis.call('ZADD', place == 'completed' and KEYS[4] or KEYS[8], score, id)
    end
  end
end
if taken > 0 then
  local time = redis.call('TIME')
  redis.call('INCRBY', KEYS[5], taken)
  for tenant, count in pairs(takenOf) do redis.call('HINCRBY', KEYS[7], tenant, count) end
  redis.call('LPUSH', KEYS[6], time[1] * 1000 + math.floor(time[2] / 1000) .. ':' .. taken)
  redis.call('LTRIM', KEYS[6], 0, 49)
  redis.call('PEXPIRE', KEYS[6], 60000)
end
return done
`

export const takeOperation = `-- Gives an operation whose lease has run out to whoever asks for one. The token that comes with it is greater than all
-- before, and fences out whoever had the lease.
-- KEYS     1 operations to drive, by the end of their leases
-- ARGV     1 key base of operations · 2 who asks · 3 length of the lease (ms)
-- Returns  {id, token} · nothing if there is none
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 100)) do
  local operation = ARGV[1] .. id
  if redis.call('EXISTS', operation) == 1 then
    redis.call('HSET', operation, 'owner', ARGV[2])
    redis.call('ZADD', KEYS[1], now + ARGV[3], id)
    return {id, redis.call('HINCRBY', operation, 'token', 1)}
  end
  -- Its record has run out.
  redis.call('ZREM', KEYS[1], id)
end
return false
`

export const takeTokens = `-- Takes from a bucket of tokens that fills evenly, as many as there are of those that are wanted.
-- KEYS     1 bucket
-- ARGV     1 most that it holds · 2 ms in which so many flow in · 3 how many are wanted; less than 0 gives some back
-- Returns  {how many were taken, how many are left, ms until there is one more, ms until it is full}
local most, perMs, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local bucket = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = most
-- A clock that was set back fills nothing, and takes nothing away.
if bucket[1] then left = math.min(most, bucket[1] + math.max(0, now - bucket[2]) * most / perMs) end
local taken = math.min(wanted, math.floor(left))
left = math.min(most, left - taken)
redis.call('HSET', KEYS[1], 'left', string.format('%.17g', left), 'at', string.format('%.3f', now))
-- By then it is full, as one is that is not there.
redis.call('PEXPIRE', KEYS[1], math.ceil(perMs))
local untilNext = (math.floor(left) + 1 - left) * perMs / most
return {taken, math.floor(left), math.ceil(untilNext), math.ceil((most - left) * perMs / most)}
`

export const tallyPart = `-- Looks which of the jobs that an operation redrove have ended since, and counts those that died again.
-- KEYS     1 part of the operation · 2 the redriven jobs that have not been seen to end, those looked at last behind
-- ARGV     1 key base · 2 how many to look at · 3 now (ms)
-- Returns  {ended, of those died again, left}
local seen, open, again = 0, {}, 0

local function hasDied(job, status)
  if status == 'failed' or status == 'timed_out' then return true end
  -- A worker of plain BullMQ writes no status.
  return status ~= 'succeeded' and status ~= 'cancelled' and redis.call('HEXISTS', job, 'returnvalue') == 0
end

-- A list that is emptied loses its time to live.
local ttl = redis.call('PTTL', KEYS[2])
for _, id in ipairs(redis.call('LPOP', KEYS[2], ARGV[2]) or {}) do
  local job = ARGV[1] .. id
  seen = seen + 1
  -- One that is gone has ended well: dead letters stay for longer than it is watched.
  if redis.call('TYPE', job)['ok'] == 'hash' then
    local f = redis.call('HMGET', job, 'finishedOn', 'st')
    if not f[1] then
      open[#open + 1] = id
    elseif hasDied(job, f[2]) then
      again = again + 1
    end
  end
end
if #open > 0 then
  redis.call('RPUSH', KEYS[2], unpack(open))
  redis.call('PEXPIRE', KEYS[2], ttl)
end
local ended = seen - #open
if ended > 0 then
  redis.call('HINCRBY', KEYS[1], 'finished', ended)
  redis.call('HINCRBY', KEYS[1], 'failedAgain', again)
  redis.call('HSET', KEYS[1], 'updatedAt', ARGV[3])
end
return {ended, again, redis.call('LLEN', KEYS[2])}
`

export const tellFindings = `-- Writes down what is wrong with schedules, and what no longer is, each once whoever tells it; what was new becomes an event.
-- KEYS     1 findings · 2 events · 3 order of the findings
-- ARGV     1 most events to keep · 2 how many are new · then pairs of field and JSON: first the new ones, then those that are over
-- Returns  for each: 1 it was news · 0 it was known
local news = {}
local function tell(event, text)
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], '*', 'event', event, 'f', text)
end
-- As \`listFindings\` reads it: by time, then by field.
local function place(field, text)
  return string.format('%015.0f %s', cjson.decode(text).since, field)
end
for i = 3, #ARGV, 2 do
  local field, text, isNews = ARGV[i], ARGV[i + 1], nil
  if (i - 3) / 2 < tonumber(ARGV[2]) then
    isNews = redis.call('HSETNX', KEYS[1], field, text)
    if isNews == 1 then
      redis.call('ZADD', KEYS[3], 0, place(field, text))
      tell('schedule_overdue', text)
    end
  else
    -- Its time is that of what was written down.
    local known = redis.call('HGET', KEYS[1], field)
    isNews = redis.call('HDEL', KEYS[1], field)
    if known then
      redis.call('ZREM', KEYS[3], place(field, known))
      tell('schedule_recovered', text)
    end
  end
  news[#news + 1] = isNews
end
return news
`

export const turnOperation = `-- Brings an operation into another state. A caller who does so takes the lease from whoever has it, and leaves it to the
-- next one who asks.
-- KEYS     1 operation · 2 operations to drive, by the end of their leases
-- ARGV     1 its id · 2 token of its driver, '' for a caller · 3 state to come to · 4 now (ms) · 5 ms for which it is kept
--          6 why, or '' · 7 '1' if it ends by this · 8… states from which it may
-- Returns  {state, token} it has now · nothing if there is none, or somebody else has the lease
local f = redis.call('HMGET', KEYS[1], 'state', 'token')
if not f[1] or (ARGV[2] ~= '' and f[2] ~= ARGV[2]) then return false end
local legal = false
for i = 8, #ARGV do legal = legal or ARGV[i] == f[1] end
if not legal then return {f[1], f[2]} end
redis.call('HSET', KEYS[1], 'state', ARGV[3], 'turnedAt', ARGV[4])
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'error', ARGV[6]) end
if ARGV[7] == '1' then redis.call('HSET', KEYS[1], 'finishedAt', ARGV[4]) end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if ARGV[2] == '' then
  redis.call('HINCRBY', KEYS[1], 'token', 1)
  redis.call('ZADD', KEYS[2], 0, ARGV[1])
end
return {ARGV[3], redis.call('HGET', KEYS[1], 'token')}
`

export const writeAttempt = `-- A running attempt writes progress, log lines or the result of a step, if it is still the one that holds the job.
-- holds()  of holds.lua
-- KEYS     1 job · 2 lock · 3 events · 4 logs
-- ARGV     1 lock token · 2 attempt · 3 stalls · 4 'progress', 'log' or 'step'
--          progress: 5 value as JSON · 6 job id
--          log: 5 most lines kept · 6 how many lines before these the attempt has left out · 7… lines
--          step: 5 field of the step · 6 result as JSON
-- Returns  1 written · 0 the job has another owner now
if not holds(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return 0 end
if ARGV[4] == 'progress' then
  redis.call('HSET', KEYS[1], 'progress', ARGV[5])
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'event', 'progress', 'jobId', ARGV[6], 'data', ARGV[5])
elseif ARGV[4] == 'step' then
  redis.call('HSETNX', KEYS[1], ARGV[5], ARGV[6])
else
  -- Lines are left out only if more than are kept follow: those that are there would not stay.
  if ARGV[6] ~= '0' then redis.call('DEL', KEYS[4]) end
  local length = redis.call('RPUSH', KEYS[4], unpack(ARGV, 7))
  -- A line's number is that of all lines before it and itself, whatever is no longer kept.
  local count = redis.call('HINCRBY', KEYS[1], 'ln', ARGV[6] + #ARGV - 6)
  -- Lines that plain BullMQ wrote were not counted.
  if count < length then redis.call('HSET', KEYS[1], 'ln', length) end
  redis.call('LTRIM', KEYS[4], -ARGV[5], -1)
end
return 1
`
