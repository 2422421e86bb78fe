-- Looks which of the jobs that an operation redrove have ended since, and counts those that died again.
-- KEYS     1 part of the operation · 2 the redriven jobs that have not been seen to end, those looked at last behind
-- ARGV     1 key base · 2 how many to look at · 3 now (ms)
-- Returns  {ended, of those died again, left}
local seen, open, again = 0, {}, 0

local function hasDied(job, status)
  if status == 'failed' or status == 'timed_out' then return true end
  -- A worker of plain BullMQ writes no status.
  return status ~= 'succeeded' and status ~= 'cancelled' and redis.call('HEXISTS', job, 'returnvalue') == 0
end

-- A list that is emptied loses its time to live.
local ttl = redis.call('PTTL', KEYS[2])
for _, id in ipairs(redis.call('LPOP', KEYS[2], ARGV[2]) or {}) do
  local job = ARGV[1] .. id
  seen = seen + 1
  -- One that is gone has ended well: dead letters stay for longer than it is watched.
  if redis.call('TYPE', job)['ok'] == 'hash' then
    local f = redis.call('HMGET', job, 'finishedOn', 'st')
    if not f[1] then
      open[#open + 1] = id
    elseif hasDied(job, f[2]) then
      again = again + 1
    end
  end
end
if #open > 0 then
  redis.call('RPUSH', KEYS[2], unpack(open))
  redis.call('PEXPIRE', KEYS[2], ttl)
end
local ended = seen - #open
if ended > 0 then
  redis.call('HINCRBY', KEYS[1], 'finished', ended)
  redis.call('HINCRBY', KEYS[1], 'failedAgain', again)
  redis.call('HSET', KEYS[1], 'updatedAt', ARGV[3])
end
return {ended, again, redis.call('LLEN', KEYS[2])}
