-- Reads dead letters in the order of their deaths, from behind one of them: by place, which follows from its time and id,
-- so that none is passed over or met twice however many have left the set, it among them.
-- KEYS     1 failed
-- ARGV     1 its time of death (ms) · 2 its id, or '' for all of that time · 3 how many
-- Returns  ids and times of death in turn
local at, id = ARGV[1], ARGV[2]

-- By bytes, as Redis orders members: Lua's own comparison goes by the server's locale.
local function isBehind(member)
  for i = 1, math.min(#member, #id) do
    local ours, its = string.byte(member, i), string.byte(id, i)
    if ours ~= its then return ours > its end
  end
  return #member > #id
end

local low = redis.call('ZCOUNT', KEYS[1], '-inf', '(' .. at)
local high = low + redis.call('ZCOUNT', KEYS[1], at, at)
while low < high do
  local middle = math.floor((low + high) / 2)
  if isBehind(redis.call('ZRANGE', KEYS[1], middle, middle)[1]) then high = middle else low = middle + 1 end
end
return redis.call('ZRANGE', KEYS[1], low, low + ARGV[3] - 1, 'WITHSCORES')
