-- Reads the logs of many jobs. Most have none, and a command for each costs its sender more than all that is read.
-- KEYS     their logs
-- Returns  for each its lines, oldest first; none if the key holds something else
local logs = {}
for i, key in ipairs(KEYS) do
  local lines = redis.pcall('LRANGE', key, 0, -1)
  logs[i] = lines.err and {} or lines
end
return logs
