-- Makes a dead letter of a job that was taken out of its place, without an attempt that ends it.
-- Part of recover-stalled.lua, end-overdue.lua and end-unstarted.lua.
-- noteEnd()  of note-end.lua
-- Gives    bury(grave, its id, status, kind, name and message of its error); the grave says where and when:
--          {base, failed, unrecorded, events, deadlines: keys; now: ms; prev: where the job was, for the event}
local function bury(grave, id, status, kind, name, message)
  local job = grave.base .. id
  redis.call('ZADD', grave.failed, grave.now, id)
  redis.call('ZADD', grave.unrecorded, grave.now, id)
  -- The fingerprint and the stack of an earlier attempt are those of another error.
  redis.call('HDEL', job, 'fp', 'stacktrace')
  redis.call('HSET', job, 'st', status, 'ek', kind, 'en', name, 'failedReason', message, 'finishedOn', grave.now)
  noteEnd(job, id, grave.deadlines)
  redis.call('XADD', grave.events, 'MAXLEN', '~', 10000, '*', 'event', 'failed', 'jobId', id, 'failedReason', message,
    'prev', grave.prev, 'st', status)
end
