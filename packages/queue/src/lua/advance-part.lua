-- Moves dead letters for an operation and counts them in the same step: whatever dies in between, each that was moved
-- is counted, once.
-- move()   redrive.lua or discard.lua
-- KEYS     those of move() · then its part of the operation · the redriven jobs that have not been seen to end
-- ARGV     those of move() · then the step as JSON: {token, matched, cursor, sample, done, at, watch, keepMs}
-- Returns  how many were moved · -1 if somebody else drives the operation by now
local step = cjson.decode(table.remove(ARGV))
local part, unfinished = KEYS[#KEYS - 1], KEYS[#KEYS]
if redis.call('HGET', part, 'token') ~= step.token then return -1 end
local moved = move()
redis.call('HSET', part, 'cursor', step.cursor, 'sample', step.sample, 'updatedAt', step.at)
if step.done then redis.call('HSET', part, 'done', 1) end
redis.call('HINCRBY', part, 'matched', step.matched)
redis.call('HINCRBY', part, 'moved', #moved)
redis.call('PEXPIRE', part, step.keepMs)
if step.watch and #moved > 0 then
  redis.call('RPUSH', unfinished, unpack(moved))
  redis.call('PEXPIRE', unfinished, step.keepMs)
end
return #moved
