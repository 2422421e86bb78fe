-- Whether an attempt still has its job. A lock that ran out while nobody took the job, for example because Redis hung, is
-- no loss: leaving `active` without the lock counts a stall, and each claim counts a start.
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
