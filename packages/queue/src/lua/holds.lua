-- Whether an attempt still has its job. A lock that ran out while nobody took the job, for example because Redis hung, is
-- no loss: leaving `active` without the lock counts a stall, and each claim counts a start.
-- Part of renew-locks.lua and write-attempt.lua.
local function holds(job, token, attempt, stalls)
  local f = redis.call('HMGET', job, 'ats', 'stc', 'finishedOn')
  if f[1] ~= attempt then return false end
  local owner = redis.call('GET', job .. ':lock')
  if owner then return owner == token end
  return (f[2] or '0') == stalls and not f[3]
end
