-- A live worker says which job types it runs. The highest version that a live worker announces is the one that callers
-- are checked against.
-- KEYS     1 types · 2 seen · 3 revision · 4 queues
-- ARGV     1 ms after which an announcement without repetition counts as gone · 2 ms after which a type is forgotten
--          then for each type: name · version · queue · description as JSON
-- Returns  1 the catalog changed · 0 it did not
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local changed = 0
for i = 3, #ARGV, 4 do
  local name, version, queue, text = ARGV[i], tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 3]
  local known = redis.call('HGET', KEYS[1], name)
  local newer = true
  if known and known ~= text then
    local seen = tonumber(redis.call('ZSCORE', KEYS[2], name)) or 0
    newer = version >= cjson.decode(known)['version'] or now - seen > tonumber(ARGV[1])
  end
  if newer then
    if known ~= text then
      redis.call('HSET', KEYS[1], name, text)
      changed = 1
    end
    redis.call('ZADD', KEYS[2], now, name)
  end
  redis.call('ZADD', KEYS[4], now, queue)
end
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], 0, now - ARGV[2])) do
  redis.call('ZREM', KEYS[2], name)
  redis.call('HDEL', KEYS[1], name)
  changed = 1
end
-- A time, not a count: after the catalog is lost and announced anew, no reader takes it for the one that it knows.
if changed == 1 then redis.call('SET', KEYS[3], time[1] .. '.' .. time[2]) end
return changed
