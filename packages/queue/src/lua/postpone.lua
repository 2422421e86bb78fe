-- Puts a running job off, for a retry or a snooze.
-- bull()   BullMQ's moveToDelayed, which checks the lock
-- cancelRequest()  of cancel-request.lua
-- KEYS     BullMQ's eleven: 5 job     ARGV BullMQ's nine: 4 token
-- Returns  0: put off · negative: BullMQ's refusal (the job is no longer ours) · the request to cancel the job, as JSON: it
--          stays where it is, to be ended
return cancelRequest(KEYS[5], ARGV[4]) or bull()
