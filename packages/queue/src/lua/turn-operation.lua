-- Brings an operation into another state. A caller who does so takes the lease from whoever has it, and leaves it to the
-- next one who asks.
-- KEYS     1 operation · 2 operations to drive, by the end of their leases
-- ARGV     1 its id · 2 token of its driver, '' for a caller · 3 state to come to · 4 now (ms) · 5 ms for which it is kept
--          6 why, or '' · 7 '1' if it ends by this · 8… states from which it may
-- Returns  {state, token} it has now · nothing if there is none, or somebody else has the lease
local f = redis.call('HMGET', KEYS[1], 'state', 'token')
if not f[1] or (ARGV[2] ~= '' and f[2] ~= ARGV[2]) then return false end
local legal = false
for i = 8, #ARGV do legal = legal or ARGV[i] == f[1] end
if not legal then return {f[1], f[2]} end
redis.call('HSET', KEYS[1], 'state', ARGV[3], 'turnedAt', ARGV[4])
if ARGV[6] ~= '' then redis.call('HSET', KEYS[1], 'error', ARGV[6]) end
if ARGV[7] == '1' then redis.call('HSET', KEYS[1], 'finishedAt', ARGV[4]) end
redis.call('PEXPIRE', KEYS[1], ARGV[5])
if ARGV[2] == '' then
  redis.call('HINCRBY', KEYS[1], 'token', 1)
  redis.call('ZADD', KEYS[2], 0, ARGV[1])
end
return {ARGV[3], redis.call('HGET', KEYS[1], 'token')}
