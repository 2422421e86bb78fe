-- Stores a new operation, and gives its lease to whoever starts it.
-- KEYS     1 operation · 2 operations to drive, by the end of their leases
-- ARGV     1 its id · 2 length of the lease (ms) · 3 ms for which the record is kept · 4… its fields and their values
-- Returns  nothing
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], now + ARGV[2], ARGV[1])
