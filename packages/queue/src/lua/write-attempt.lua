-- A running attempt writes progress, log lines or the result of a step, if it is still the one that holds the job.
-- holds()  of holds.lua
-- KEYS     1 job · 2 lock · 3 events · 4 logs
-- ARGV     1 lock token · 2 attempt · 3 stalls · 4 'progress', 'log' or 'step'
--          progress: 5 value as JSON · 6 job id
--          log: 5 most lines kept · 6 how many lines before these the attempt has left out · 7… lines
--          step: 5 field of the step · 6 result as JSON
-- Returns  1 written · 0 the job has another owner now
if not holds(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return 0 end
if ARGV[4] == 'progress' then
  redis.call('HSET', KEYS[1], 'progress', ARGV[5])
  redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'event', 'progress', 'jobId', ARGV[6], 'data', ARGV[5])
elseif ARGV[4] == 'step' then
  redis.call('HSETNX', KEYS[1], ARGV[5], ARGV[6])
else
  -- Lines are left out only if more than are kept follow: those that are there would not stay.
  if ARGV[6] ~= '0' then redis.call('DEL', KEYS[4]) end
  local length = redis.call('RPUSH', KEYS[4], unpack(ARGV, 7))
  -- A line's number is that of all lines before it and itself, whatever is no longer kept.
  local count = redis.call('HINCRBY', KEYS[1], 'ln', ARGV[6] + #ARGV - 6)
  -- Lines that plain BullMQ wrote were not counted.
  if count < length then redis.call('HSET', KEYS[1], 'ln', length) end
  redis.call('LTRIM', KEYS[4], -ARGV[5], -1)
end
return 1
