-- Says that a scheduler is there, and takes, renews and gives back slots. Tokens of a slot grow, also if Redis lost the last.
-- KEYS     1 leases · 2 schedulers · 3 when the projection began · 4 its revision
-- ARGV     1 who · 2 for how long (ms) · 3 `leave` to sign off, or `stay` · 4 how many slots are wanted · those · then those to give back
-- Returns  {now in µs, when the projection began or false, its revision or false, schedulers, for each wanted slot its token or 0}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me, ttl, wanted = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[4])
if ARGV[3] == 'leave' then redis.call('ZREM', KEYS[2], me) else redis.call('ZADD', KEYS[2], now, me) end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now - ttl)
-- The clock may have been set back: what lies further ahead than any lease is of before.
redis.call('ZREMRANGEBYSCORE', KEYS[2], now + ttl, '+inf')

local function leaseOf(slot)
  local owner, token, till = string.match(redis.call('HGET', KEYS[1], slot) or '', '^(%S*) (%d+) (%d+)$')
  return owner or '', tonumber(token or 0), tonumber(till or 0)
end

for i = 5 + wanted, #ARGV do
  local owner, token = leaseOf(ARGV[i])
  if owner == me then redis.call('HSET', KEYS[1], ARGV[i], ' ' .. token .. ' 0') end
end
local tokens = {}
for i = 5, 4 + wanted do
  local owner, token, till = leaseOf(ARGV[i])
  if owner ~= me and till > now and till <= now + ttl then
    token = 0
  else
    if owner ~= me then token = math.max(token + 1, now) end
    redis.call('HSET', KEYS[1], ARGV[i], string.format('%s %.0f %.0f', me, token, now + ttl))
  end
  tokens[#tokens + 1] = string.format('%.0f', token)
end
return {string.format('%d%06d', time[1], time[2]), redis.call('GET', KEYS[3]), redis.call('GET', KEYS[4]),
  redis.call('ZRANGE', KEYS[2], 0, -1), tokens}
