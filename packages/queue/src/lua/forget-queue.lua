-- Drops a queue that was found empty and unannounced, if nobody has announced it since.
-- KEYS     1 queues, by when they were last announced
-- ARGV     1 queue · 2 when it was last announced (ms), as it was found
-- Returns  1 dropped · 0 it was announced again, or is gone
if redis.call('ZSCORE', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
return redis.call('ZREM', KEYS[1], ARGV[1])
