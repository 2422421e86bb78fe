-- Drops the earlier versions of a schedule, whose ticks are all decided; of a deleted one everything, when `forget` is given.
-- KEYS     1 definitions of its slot · 2 homes of its slot
-- ARGV     1 schedule · 2 its revision, as it was read · 3 `forget` or ''
-- Returns  1 it was still so · 0 it has changed since
local text = redis.call('HGET', KEYS[1], ARGV[1])
local revision, current = string.match(text or '', '^(%d+)\n([^\n]*)')
if revision ~= ARGV[2] then return 0 end
if current == '' then redis.call('HDEL', KEYS[2], ARGV[1]) end
if current == '' and ARGV[3] == 'forget' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], revision .. '\n' .. current)
end
return 1
