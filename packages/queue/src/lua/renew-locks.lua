-- Renews the locks of running attempts, also those that ran out, and tells which of them have lost their job or are asked
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
