-- Renews the locks of running attempts, also those that ran out, and tells which of them have lost their job.
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
