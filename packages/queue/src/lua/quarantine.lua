-- Makes dead letters of jobs that BullMQ's scripts would stumble over: such a script stops half-way, and the job is then
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
    if value and not (#value < 16 and string.match(value, '^%d+$')) then
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
