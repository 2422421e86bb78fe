-- What the end of a job removes of others that ended, in place of what BullMQ reads there. Part of finish.
-- KEYS     12 index of the jobs · 15 dead letters that are not in the history yet
-- Gives    surplus(set, most that it may hold, how many to take at once): ids of the oldest, taken out of the set; none
--            before there are as many as that too many: together they cost a fraction of one at a time. Nor more: what
--            cancels and discards add to the set does not trim it, so that one job that ends may meet very many.
--          outdated(set, ms, most): ids of jobs that ended before then
local function unlist(ids)
  if #ids > 0 then
    redis.call('ZREM', KEYS[12], unpack(ids))
    redis.call('ZREM', KEYS[15], unpack(ids))
  end
  return ids
end

local function surplus(set, most, atOnce)
  local ids = {}
  if redis.call('ZCARD', set) - most >= atOnce then
    local popped = redis.call('ZPOPMIN', set, atOnce)
    for i = 1, #popped, 2 do ids[#ids + 1] = popped[i] end
  end
  return unlist(ids)
end

local function outdated(set, before, most)
  return unlist(redis.call('ZREVRANGEBYSCORE', set, before, '-inf', 'LIMIT', 0, most))
end
