-- Renews every lock that a worker has in a queue. While its main loop is blocked it does not know them all: the answer to
-- a fetch waits unread, the end of an attempt waits unsent.
-- KEYS     1 active · 2 stalled
-- ARGV     1 key base · 2 ms for which a lock lasts · 3 what the worker's lock tokens begin with
-- Returns  how many
local renewed = 0
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local lock = ARGV[1] .. id .. ':lock'
  local owner = redis.call('GET', lock)
  if owner and string.sub(owner, 1, #ARGV[3]) == ARGV[3] then
    redis.call('PEXPIRE', lock, ARGV[2])
    redis.call('SREM', KEYS[2], id)
    renewed = renewed + 1
  end
end
return renewed
