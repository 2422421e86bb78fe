-- Renews the locks of running attempts, and tells which of them have lost their job. A lock that ran out while nobody
-- took the job, for example because Redis hung, is taken again: leaving `active` without the lock counts a stall, and
-- each claim counts a start.
-- KEYS     1 stalled
-- ARGV     1 key base · 2 ms for which a lock lasts · then for each attempt: job id · lock token · attempt · stalls
-- Returns  the places of the lost ones in that list, from 0
local lost = {}
for i = 3, #ARGV, 4 do
  local id = ARGV[i]
  local job = ARGV[1] .. id
  local owner = redis.call('GET', job .. ':lock')
  local held = owner == ARGV[i + 1]
  if not owner then
    local f = redis.call('HMGET', job, 'ats', 'stc', 'finishedOn')
    held = f[1] == ARGV[i + 2] and (f[2] or '0') == ARGV[i + 3] and not f[3]
  end
  if held then
    redis.call('SET', job .. ':lock', ARGV[i + 1], 'PX', ARGV[2])
    redis.call('SREM', KEYS[1], id)
  else
    lost[#lost + 1] = (i - 3) / 4
  end
end
return lost
