-- Renews the lease of an operation, or gives it back.
-- KEYS     1 operation · 2 operations to drive, by the end of their leases
-- ARGV     1 its id · 2 token · 3 ms from now until somebody else may take it; '' if nobody has to
--          4 ms for which the record of one that is not at its end is kept
-- Returns  its state · nothing if somebody else has the lease
local f = redis.call('HMGET', KEYS[1], 'token', 'state')
if f[1] ~= ARGV[2] then return false end
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[2], ARGV[1])
else
  local time = redis.call('TIME')
  redis.call('ZADD', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[3], ARGV[1])
end
if f[2] == 'running' or f[2] == 'paused' then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return f[2]
