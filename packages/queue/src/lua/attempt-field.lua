-- The field of the hash that keeps the record of an attempt, as attempt-record.ts says it.
-- Part of holds.lua and note-lost.lua.
local function attemptField(n)
  return 'a' .. (n <= 3 and n or 4 + (n - 4) % 17)
end
