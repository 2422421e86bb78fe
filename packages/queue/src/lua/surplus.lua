-- Takes the oldest jobs out of a set that holds more than it may, a bounded number of them: what cancels and discards adds
-- to the set does not trim it, so that one job that ends may meet very many.
-- Part of finish, in place of what BullMQ reads there.
-- Gives    surplus(set, most that it may hold, most to take): their ids
local function surplus(set, most, atOnce)
  local ids = {}
  local count = math.min(redis.call('ZCARD', set) - most, atOnce)
  if count > 0 then
    local popped = redis.call('ZPOPMIN', set, count)
    for i = 1, #popped, 2 do ids[#ids + 1] = popped[i] end
  end
  return ids
end
