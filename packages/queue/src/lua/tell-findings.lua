-- Writes down what is wrong with schedules, and what no longer is, each once whoever tells it; what was new becomes an event.
-- KEYS     1 findings · 2 events · 3 order of the findings
-- ARGV     1 most events to keep · 2 how many are new · then pairs of field and JSON: first the new ones, then those that are over
-- Returns  for each: 1 it was news · 0 it was known
local news = {}
local function tell(event, text)
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], '*', 'event', event, 'f', text)
end
-- As `listFindings` reads it: by time, then by field.
local function place(field, text)
  return string.format('%015.0f %s', cjson.decode(text).since, field)
end
for i = 3, #ARGV, 2 do
  local field, text, isNews = ARGV[i], ARGV[i + 1], nil
  if (i - 3) / 2 < tonumber(ARGV[2]) then
    isNews = redis.call('HSETNX', KEYS[1], field, text)
    if isNews == 1 then
      redis.call('ZADD', KEYS[3], 0, place(field, text))
      tell('schedule_overdue', text)
    end
  else
    -- Its time is that of what was written down.
    local known = redis.call('HGET', KEYS[1], field)
    isNews = redis.call('HDEL', KEYS[1], field)
    if known then
      redis.call('ZREM', KEYS[3], place(field, known))
      tell('schedule_recovered', text)
    end
  end
  news[#news + 1] = isNews
end
return news
