-- Writes down that somebody is about to change something. What nobody takes into a history goes by its number.
-- KEYS     1 entries · 2 outcomes
-- ARGV     1 id · 2 entry as JSON · 3 how many may stay · 4 `1` if a history takes them: then none is removed, and one
--          that would be too many is refused
-- Returns  the place of the entry in the stream, or nothing: there are too many
local most = tonumber(ARGV[3])
if ARGV[4] == '1' and redis.call('XLEN', KEYS[1]) >= most then return false end
-- Changes nothing and needs no room: a Redis that is full lets a script that has begun to write go on. Whoever mends it by
-- cancelling jobs is to be seen as well.
redis.call('PERSIST', KEYS[1])
local place = redis.call('XADD', KEYS[1], '*', 'id', ARGV[1], 'begin', ARGV[2])
-- A hundred at most, so that a limit that was lowered holds up nobody.
local surplus = math.min(redis.call('XLEN', KEYS[1]) - most, 100)
if surplus > 0 then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', surplus)) do
    redis.call('XDEL', KEYS[1], entry[1])
    redis.call('HDEL', KEYS[2], entry[2][2])
  end
end
return place
