-- Removes what the history has taken, as far as it is still as it was read: what ended anew meanwhile is to be read again.
-- Finished jobs leave Redis. Dead letters stay, to be redriven, and are no longer listed as unrecorded.
-- KEYS     1 completed · 2 unrecorded dead letters · 3 index of the jobs
-- ARGV     1 key base · then for each: its id, its place (`completed` or `failed`), its score when it was read
-- Returns  how many were still as they were read
local taken = 0
for i = 2, #ARGV, 3 do
  local id, place, score = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local set = place == 'completed' and KEYS[1] or KEYS[2]
  if redis.call('ZSCORE', set, id) == score then
    taken = taken + 1
    redis.call('ZREM', set, id)
    if place == 'completed' then
      redis.call('UNLINK', ARGV[1] .. id, ARGV[1] .. id .. ':logs')
      redis.call('ZREM', KEYS[3], id)
    end
  end
end
return taken
