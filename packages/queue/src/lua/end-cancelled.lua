-- Ends a job as cancelled that was taken out of its place, without an attempt that ends it. It goes to `completed`, so that no
-- "retry all" of dead letters revives it.
-- Part of cancel.lua, recover-stalled.lua and end-unstarted.lua.
-- noteEnd()  of note-end.lua
-- Gives    endCancelled(place, its id, return value as JSON, which holds the reason); the place says where and when:
--          {base, completed, events, deadlines: keys; now: ms; prev: where the job was, for the event}
local function endCancelled(place, id, value)
  local job = place.base .. id
  redis.call('ZADD', place.completed, place.now, id)
  redis.call('HSET', job, 'st', 'cancelled', 'finishedOn', place.now, 'returnvalue', value)
  noteEnd(job, id, place.deadlines)
  redis.call('XADD', place.events, 'MAXLEN', '~', 10000, '*', 'event', 'completed', 'jobId', id, 'returnvalue', value,
    'prev', place.prev, 'st', 'cancelled')
end
