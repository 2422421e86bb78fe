-- Removes from the outbox what the history has taken, or was told not to keep, as far as it is still as it was read: what ended
-- anew meanwhile is to be read again. Finished jobs that were taken leave Redis, others stay for a while. Dead letters stay, to
-- be redriven; those that were taken are no longer in the index, as lists have them from the history.
-- KEYS     1 completed · 2 unrecorded dead letters · 3 index of the jobs · 4 finished jobs that are not kept
--          5 how many were taken, ever · 6 the last takes · 7 how many were taken of each tenant, ever
--          8 dead letters that are not kept
-- ARGV     1 key base · then for each: its id, its place (`completed` or `failed`), its score when it was read, its tenant if
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
