-- Deletes all that is known of a job that has ended.
-- KEYS     1 job · 2 its lock · 3 its log · 4 index of the jobs · 5 completed · 6 failed
--          7 dead letters that are not in the history yet · 8 finished jobs that are not kept · 9 dead letters that are not
-- ARGV     1 job id
-- Returns  1 deleted · 0 there is no such job · -1 it has not ended
local kind = redis.call('TYPE', KEYS[1])['ok']
if kind == 'none' then return 0 end
if kind == 'hash' then
  local isOpen = redis.call('HEXISTS', KEYS[1], 'finishedOn') == 0
  if isOpen or redis.call('EXISTS', KEYS[2]) == 1 then return -1 end
end
for i = 4, 9 do redis.call('ZREM', KEYS[i], ARGV[1]) end
redis.call('UNLINK', KEYS[1], KEYS[3])
return 1
