-- Reads audit entries and what is known of their outcomes, as of one moment.
-- KEYS     1 entries · 2 outcomes
-- ARGV     1 `XRANGE` or `XREVRANGE` · 2 from · 3 to · 4 most to read
-- Returns  for each: place in the stream, its fields, its outcome or an empty text
local read = {}
for _, entry in ipairs(redis.call(ARGV[1], KEYS[1], ARGV[2], ARGV[3], 'COUNT', ARGV[4])) do
  read[#read + 1] = {entry[1], entry[2], redis.call('HGET', KEYS[2], entry[2][2]) or ''}
end
return read
