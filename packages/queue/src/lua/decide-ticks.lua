-- Decides ticks of schedules, each once and for all: it makes its job, or it is written down why there is none, or it waits for
-- an earlier job to end. That and "this tick is decided" are one step, so that nobody can decide it again.
-- KEYS     1 last decided tick of each schedule · 2 fences · 3 ticks that wait · 4 ticks without a job
--          5 wait · 6 prioritized · 7 priority counter · 8 active · 9 events · 10 marker · 11 meta · 12 index · 13 deadlines
-- ARGV     1 key base of jobs · 2 key base of the open jobs of schedules · 3 now ms · 4 most jobs that may wait, or ''
--          5 most ticks of one schedule that may wait · then for each tick 15:
--          slot · token · schedule · tick (ms; of several the last) · verb · and with
--          `skip`     first tick · how many, or '' · outcome · reason · 6 × ''
--          `fire`, and `release` for one that waits:
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
  local rest = string.match(held, '^%d+,(.*)$')
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
