-- Adds to what a job keeps of what no attempt caused: in `ev`, a line each. The first three and the last seventeen stay, as of its
-- attempts; `eo` counts those between that were left out.
-- Part of promote.lua, discard.lua, redrive.lua and end-overdue.lua.
-- Gives    noteEvents(key of the job, event as JSON, …); each gets how many attempts had been started by then
local function noteEvents(job, ...)
  local f = redis.call('HMGET', job, 'ats', 'ev')
  local lines = f[2] or ''
  for _, event in ipairs({...}) do
    lines = lines .. string.sub(event, 1, -2) .. ',"after":' .. (f[1] or 0) .. '}\n'
  end
  local surplus = select(2, string.gsub(lines, '\n', '')) - 20
  if surplus > 0 then
    local n = 0
    lines = string.gsub(lines, '[^\n]*\n', function(line)
      n = n + 1
      return n > 3 and n <= 3 + surplus and '' or line
    end)
    redis.call('HINCRBY', job, 'eo', surplus)
  end
  redis.call('HSET', job, 'ev', lines)
end
