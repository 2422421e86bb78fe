-- Removes audit entries that the history has as they were read.
-- KEYS     1 entries · 2 outcomes
-- ARGV     for each: place in the stream · id · `1` if its outcome was read as well; without it an entry stays whose outcome
--          has come since
-- Returns  how many were removed
local taken = 0
for i = 1, #ARGV, 3 do
  if ARGV[i + 2] == '1' or redis.call('HEXISTS', KEYS[2], ARGV[i + 1]) == 0 then
    taken = taken + redis.call('XDEL', KEYS[1], ARGV[i])
    redis.call('HDEL', KEYS[2], ARGV[i + 1])
  end
end
return taken
