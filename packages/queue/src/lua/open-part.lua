-- Opens what an operation does in one queue to whoever has its lease, and closes it to all who had it before.
-- KEYS     1 part of the operation
-- ARGV     1 token · 2 ms for which it is kept
-- Returns  its fields and their values · nothing if somebody had the lease later
if tonumber(redis.call('HGET', KEYS[1], 'token') or 0) > tonumber(ARGV[1]) then return false end
redis.call('HSET', KEYS[1], 'token', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('HGETALL', KEYS[1])
