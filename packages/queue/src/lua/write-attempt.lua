-- A running attempt writes progress or log lines, if it is still the one that holds the job.
-- KEYS     1 job · 2 lock · 3 events · 4 logs
-- ARGV     1 lock token · 2 attempt · 3 'progress' or 'log'
--          progress: 4 value as JSON · 5 job id       log: 4 most lines kept · 5… lines
-- Returns  1 written · 0 the job has another owner now
if redis.call('GET', KEYS[2]) ~= ARGV[1] or redis.call('HGET', KEYS[1], 'ats') ~= ARGV[2] then return 0 end
if ARGV[3] == 'progress' then
  redis.call('HSET', KEYS[1], 'progress', ARGV[4])
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'event', 'progress', 'jobId', ARGV[5], 'data', ARGV[4])
else
  redis.call('RPUSH', KEYS[4], unpack(ARGV, 5))
  redis.call('LTRIM', KEYS[4], -ARGV[4], -1)
end
return 1
