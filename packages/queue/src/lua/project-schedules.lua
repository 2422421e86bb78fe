-- Writes definitions of schedules and calendars as they are in PostgreSQL, unless Redis has the same or something later. What a
-- schedule was before stays beside it until its last ticks are decided. A deleted one leaves its revision.
-- KEYS     1 changes · 2 when the projection began · 3 calendars
-- ARGV     1 key base of the definitions of a slot · 2 most earlier versions to keep
--          then for each: slot, '' for a calendar · schedule or calendar · revision · since when it is so (ms) · JSON, '' if deleted
-- Returns  how many were written
local time = redis.call('TIME')
redis.call('SET', KEYS[2], time[1] * 1000 + math.floor(time[2] / 1000), 'NX')
local written = 0
for i = 3, #ARGV, 5 do
  local slot, key, revision, since, text = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4]
  local place = slot == '' and KEYS[3] or ARGV[1] .. slot
  local old = redis.call('HGET', place, key)
  if tonumber(old and string.match(old, '^%d+') or -1) < tonumber(revision) then
    local lines = {revision, text}
    if old and slot ~= '' then
      local current, earlier = string.match(old, '^%d+\n([^\n]*)\n?(.*)$')
      for line in string.gmatch(earlier, '[^\n]+') do lines[#lines + 1] = line end
      if current ~= '' then lines[#lines + 1] = since .. ':' .. current end
      while #lines - 2 > tonumber(ARGV[2]) do table.remove(lines, 3) end
    end
    if slot == '' and text == '' then
      -- No schedule names a calendar that was deleted: one that a late writer revives harms nobody.
      redis.call('HDEL', place, key)
    else
      redis.call('HSET', place, key, table.concat(lines, '\n'))
    end
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', '50000', '*', 's', slot, 'k', key)
    written = written + 1
  end
end
return written
