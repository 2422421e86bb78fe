-- Counts the jobs of one tenant in a part of a place.
-- KEYS     1 place
-- ARGV     1 key base · 2 tenant · 3 tenant of jobs that name none · 4 index of the first entry to look at · 5 of the last
-- Returns  {entries looked at, those of the tenant, when the oldest of these was made in ms, or ''}
local kind, ids = redis.call('TYPE', KEYS[1])['ok'], {}
if kind == 'list' then ids = redis.call('LRANGE', KEYS[1], ARGV[4], ARGV[5]) end
if kind == 'zset' then ids = redis.call('ZRANGE', KEYS[1], ARGV[4], ARGV[5]) end

-- The first of that name is the envelope's own: only the version stands before it. What a caller wrote comes later.
local name = '"tenant":"'
local function isTheirs(env)
  local _, before = string.find(env or '', name, 1, true)
  if not before then return not env and ARGV[2] == ARGV[3] end
  return string.sub(env, before + 1, before + #ARGV[2] + 1) == ARGV[2] .. '"'
end

local found, oldest = 0, nil
for _, id in ipairs(ids) do
  local f = redis.pcall('HMGET', ARGV[1] .. id, 'env', 'timestamp')
  if not f['err'] and (f[1] or f[2]) and isTheirs(f[1]) then
    found = found + 1
    local madeAt = tonumber(f[2])
    if madeAt and (not oldest or madeAt < oldest) then oldest = madeAt end
  end
end
return {#ids, found, oldest and string.format('%.0f', oldest) or ''}
