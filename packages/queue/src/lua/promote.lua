-- Makes a delayed job due now and notes who asked.
-- bull()   BullMQ's promote
-- KEYS     BullMQ's nine     ARGV BullMQ's two: 1 key base, 2 job id · then 3 event as JSON
-- Returns  1 promoted · 0 the job is not delayed
if bull() < 0 then return 0 end
local job = ARGV[1] .. ARGV[2]
local f = redis.call('HMGET', job, 'ats', 'ev')
local event = string.sub(ARGV[3], 1, -2) .. ',"after":' .. (f[1] or 0) .. '}'
redis.call('HSET', job, 'ev', (f[2] or '') .. event .. '\n')
return 1
