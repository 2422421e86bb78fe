-- Forgets what was decided of a schedule in a queue: it was deleted, or has moved. Ticks that wait are written down as skipped.
-- KEYS     1 last decided tick of each schedule · 2 ticks that wait · 3 ticks without a job
-- ARGV     1 schedule · 2 now ms · 3 reason
for tick in string.gmatch(redis.call('HGET', KEYS[2], ARGV[1]) or '', '%d+') do
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', 100000, '*', 'k', ARGV[1], 'from', tick, 'to', tick, 'n', 1, 'o', 'skipped', 'r',
    ARGV[3], 'at', ARGV[2])
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
