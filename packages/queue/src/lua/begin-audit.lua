-- Writes down that somebody is about to change something. What nobody takes into a history goes by its number and size.
-- KEYS     1 entries · 2 outcomes
-- ARGV     1 id · 2 entry as JSON · 3 how many may stay · 4 how many bytes they and their outcomes may take, as Redis reckons
--          them · 5 `1` if a history takes them: then none is removed, and one that would be too many is refused
--          6 `1` to be written also if Redis is full
-- Returns  the place of the entry in the stream, or nothing: there are too many
local most = tonumber(ARGV[3])
local bytes = (redis.call('MEMORY', 'USAGE', KEYS[1]) or 0) + (redis.call('MEMORY', 'USAGE', KEYS[2]) or 0)
local is_large = bytes > tonumber(ARGV[4])
if ARGV[5] == '1' and (is_large or redis.call('XLEN', KEYS[1]) >= most) then return false end
-- Changes nothing and needs no room: a Redis that is full lets a script that has begun to write go on. Whoever mends it by
-- cancelling jobs is to be seen as well.
if ARGV[6] == '1' then redis.call('PERSIST', KEYS[1]) end
local place = redis.call('XADD', KEYS[1], '*', 'id', ARGV[1], 'begin', ARGV[2])
-- A hundred at most, so that a limit that was lowered holds up nobody.
local surplus = is_large and 100 or math.min(redis.call('XLEN', KEYS[1]) - most, 100)
if surplus > 0 then
  for _, entry in ipairs(redis.call('XRANGE', KEYS[1], '-', '(' .. place, 'COUNT', surplus)) do
    redis.call('XDEL', KEYS[1], entry[1])
    redis.call('HDEL', KEYS[2], entry[2][2])
  end
end
return place
