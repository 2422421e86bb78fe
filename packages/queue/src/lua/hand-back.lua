-- Returns a running job to the front of its queue without using up the attempt.
-- bull()   BullMQ's moveJobFromActiveToWait, which checks the lock
-- cancelRequest()  of cancel-request.lua
-- KEYS     BullMQ's nine: 8 marker
-- ARGV     BullMQ's three: 2 token · 3 job hash · then 4 field of the attempt · 5 its record as JSON
-- Returns  0 or more: handed back · negative: BullMQ's refusal (the job is no longer ours) · the request to cancel the job, as
--          JSON: it stays where it is, to be ended
local request = cancelRequest(ARGV[3], ARGV[2])
if request then return request end
local result = bull()
if result < 0 then return result end
redis.call('HSET', ARGV[3], ARGV[4], ARGV[5])
-- BullMQ wakes nobody for a job with a priority: without this it waits until a worker looks by itself.
redis.call('ZADD', KEYS[8], 0, '0')
return result
