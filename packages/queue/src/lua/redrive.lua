-- Puts dead letters back into their queue with all attempts and all their time to go. Idempotent: a job is moved by whoever
-- removes it from `failed` first.
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
