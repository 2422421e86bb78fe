-- Ends jobs, each as BullMQ's script does, which stands before this as finish(key of the job, arguments). What goes wrong with
-- one of them leaves the others as they are.
-- cancelRequest()  of cancel-request.lua
-- KEYS     1..11, 13, 14 as BullMQ has them · 12 index of the jobs · 15 dead letters that are not in the history yet · 16..
--          the jobs
-- ARGV     1 prefix of BullMQ's keys · 2 where they go, "completed" or "failed" · 3 BullMQ's field for the outcome · 4 BullMQ's
--          options as JSON · then for each job: how much follows · id · when it ended, in ms · outcome · 1 to fetch the next
--          one, or 0 · token · attempts that it may have · attempts used · the deadlines if something outlives the job that is
--          to be told of its end, else empty · names and values of fields, `atm` and `st` first
-- Returns  for each job what BullMQ's script does, or the error, or the request to cancel it, as JSON: such a job is not buried
local opts, answers, at, most = cjson.decode(ARGV[4]), {}, 5, #KEYS - 15
local keep = opts.keepJobs

local function finishUnlessCancelled(job, args)
  return ARGV[2] == 'failed' and cancelRequest(job, opts.token) or finish(job, args)
end

for n = 1, most do
  local last = at + ARGV[at]
  local id, ended, outcome, fetches, token, attempts, used, deadlines = unpack(ARGV, at + 1, at + 8)
  opts.token, opts.attempts = token, attempts
  -- What is too old, or too much, goes with the last one.
  if keep.count ~= 0 then opts.keepJobs = n == most and keep or {count = -1} end
  local args = {id, ended, ARGV[3], outcome, ARGV[2], fetches, ARGV[1], opts, used, deadlines, unpack(ARGV, at + 9, last)}
  local isDone, answer = pcall(finishUnlessCancelled, KEYS[15 + n], args)
  answers[n] = isDone and answer or {err = answer}
  at = last + 1
end
return answers
