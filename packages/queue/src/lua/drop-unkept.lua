-- Removes the oldest of the finished jobs that no history keeps, and forgets dead letters of that kind that have left Redis: these
-- go as all do.
-- KEYS     1 finished jobs that are not kept · 2 index of the jobs · 3 dead letters that are not kept · 4 failed
-- ARGV     1 key base · 2 before when they have to have ended (ms) · 3 how many may stay · 4 most to remove
-- Returns  how many jobs were removed
local dead = redis.call('ZRANGE', KEYS[3], 0, ARGV[4] - 1)
for _, id in ipairs(dead) do
  -- The oldest go first.
  if redis.call('ZSCORE', KEYS[4], id) then break end
  redis.call('ZREM', KEYS[3], id)
end
local tooMany = redis.call('ZCARD', KEYS[1]) - ARGV[3]
local tooOld = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. ARGV[2])
local count = math.min(math.max(tooMany, tooOld), tonumber(ARGV[4]))
if count <= 0 then return 0 end
local popped = redis.call('ZPOPMIN', KEYS[1], count)
for i = 1, #popped, 2 do
  local id = popped[i]
  redis.call('UNLINK', ARGV[1] .. id, ARGV[1] .. id .. ':logs')
  redis.call('ZREM', KEYS[2], id)
end
return count
