-- Notes in a job that its process is killed because the main loop is blocked past the attempt's timeout, or past its grace after
-- a cancel. The script that recovers the job makes it so: recover-stalled.lua.
-- holds()  of holds.lua
-- KEYS     1 job
-- ARGV     1 lock token · 2 attempt · 3 stalls · 4 now ms
-- Returns  1 noted · 0 the job has another owner now
if not holds(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return 0 end
redis.call('HSET', KEYS[1], 'wd', cjson.encode({attempt = tonumber(ARGV[2]), at = tonumber(ARGV[4])}))
return 1
