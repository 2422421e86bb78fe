-- Ends a job that no worker has started in time, as its schedule says: it is cancelled, or becomes a dead letter. It was taken
-- out of its place. Part of end-overdue.lua and start-in-time.lua.
-- bury()   of bury.lua
-- endCancelled()  of end-cancelled.lua
-- Gives    isPast(its `sb`, now ms)
--          endUnstarted(grave, its id, its `sb`); the grave is what both of those need, and says what the job ends with:
--          {…; kind, name, unstarted: kind, name and message of the error; cancelled: return value as JSON}
local function isPast(startBy, now)
  return tonumber(string.match(startBy, '^%d+') or math.huge) <= now
end

local function endUnstarted(grave, id, startBy)
  if string.find(startBy, ':cancel', 1, true) then
    endCancelled(grave, id, grave.cancelled)
  else
    bury(grave, id, 'failed', grave.kind, grave.name, grave.unstarted)
  end
end
