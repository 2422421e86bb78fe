-- Whether somebody wants a running job to end. Nothing puts such a job back to wait, or buries it: it ends as cancelled.
-- Part of postpone.lua, hand-back.lua and finish.lua.
-- Gives    cancelRequest(key of the job, token of the attempt), the request as JSON; false if there is none, or if the attempt
--          does not hold the job: the move says what is wrong then
local function cancelRequest(job, token)
  local request = redis.call('HGET', job, 'cx')
  return request and redis.call('GET', job .. ':lock') == token and request
end
