-- Makes a delayed job due now and notes who asked.
-- bull()   BullMQ's promote
-- noteEvents()  of note-events.lua
-- KEYS     BullMQ's nine     ARGV BullMQ's two: 1 key base, 2 job id · then 3 event as JSON
-- Returns  1 promoted · 0 the job is not delayed
if bull() < 0 then return 0 end
noteEvents(ARGV[1] .. ARGV[2], ARGV[3])
return 1
