-- Keeps the record of an attempt whose process is gone. Should the process come back, that tells it that the end of the job
-- is none of its own: held-move.ts.
-- Part of recover-stalled.lua and cancel.lua.
-- attemptField()  of attempt-field.lua
-- Gives    noteLost(key of the job, now ms, message if the attempt has timed out)
local function noteLost(job, now, timeout)
  local f = redis.call('HMGET', job, 'ats', 'pb', 'processedOn')
  local record = {
    n = tonumber(f[1]) or 0, worker = f[2] or '', start = tonumber(f[3]) or 0, ['end'] = tonumber(now), outcome = 'lost',
  }
  if timeout then
    record.outcome = 'timed_out'
    record.reason = timeout
    record.error = {name = 'TimeoutError', kind = 'timeout', message = timeout}
  end
  redis.call('HSET', job, attemptField(record.n), cjson.encode(record))
end
