-- Reads a job's log from behind one of its lines. The number of a line counts all that the job has written before it, also
-- those that are no longer kept, and itself: so it stays when lines are trimmed.
-- KEYS     1 job · 2 logs
-- ARGV     1 number of the line to go on from, 0 for the start · 2 most lines to read
-- Returns  {number of the last line, 1 if the job has ended, number of the line before the first that is read, lines…}
--          or nothing: there is no such job
if redis.call('TYPE', KEYS[1])['ok'] ~= 'hash' then return {} end
local f = redis.call('HMGET', KEYS[1], 'ln', 'finishedOn')
local length = redis.call('LLEN', KEYS[2])
local last = math.max(tonumber(f[1]) or 0, length)
local gone = last - length
local after = math.max(tonumber(ARGV[1]), gone)
local lines = after < last and redis.call('LRANGE', KEYS[2], after - gone, after - gone + ARGV[2] - 1) or {}
return {last, f[2] and 1 or 0, after, unpack(lines)}
