-- Takes from a bucket of tokens that fills evenly, as many as there are of those that are wanted.
-- KEYS     1 bucket
-- ARGV     1 most that it holds · 2 ms in which so many flow in · 3 how many are wanted; less than 0 gives some back
-- Returns  {how many were taken, how many are left, ms until there is one more, ms until it is full}
local most, perMs, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local bucket = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = most
-- A clock that was set back fills nothing, and takes nothing away.
if bucket[1] then left = math.min(most, bucket[1] + math.max(0, now - bucket[2]) * most / perMs) end
local taken = math.min(wanted, math.floor(left))
left = math.min(most, left - taken)
redis.call('HSET', KEYS[1], 'left', string.format('%.17g', left), 'at', string.format('%.3f', now))
-- By then it is full, as one is that is not there.
redis.call('PEXPIRE', KEYS[1], math.ceil(perMs))
local untilNext = (math.floor(left) + 1 - left) * perMs / most
return {taken, math.floor(left), math.ceil(untilNext), math.ceil((most - left) * perMs / most)}
