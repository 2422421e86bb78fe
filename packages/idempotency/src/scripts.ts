/**
 * The Lua of the Redis store: one script an operation, each with the run's hash as its only key. They begin with the
 * same lines, which read the clock and the run; `run` is what they tell of it, in the order of `RunReply`.
 */
const readRun = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local run = redis.call('HMGET', KEYS[1],
  'status', 'owner', 'startedAt', 'leaseEndsAt', 'finishedAt', 'retryable', 'json', 'token')
local status, leaseEndsAt, retryable, json, token = run[1], run[4], run[6], run[7], run[8]
local lapsed = status == 'in_progress' and tonumber(leaseEndsAt) <= now
-- Lua itself writes large numbers as 1.7e+15.
local function whole(number) return string.format('%.0f', number) end
run[9] = whole(now)
`

/** All text, as Redis gives it; null where the hash has no such field. */
export type RunReply = readonly [
  status: 'in_progress' | 'completed' | 'failed' | null,
  owner: string,
  startedAt: string,
  leaseEndsAt: string,
  finishedAt: string,
  retryable: '0' | '1',
  json: string,
  token: string,
  now: string,
]

/**
 * The token is the time in microseconds, or one more than the last token if that is not smaller: it grows also when the
 * last run is forgotten. A run that nobody finished is remembered beyond its lease, so that its owner may come late.
 *
 * ARGV[1] owner  ARGV[2] lease ms  ARGV[3] ms to remember it after the lease
 * Returns {'started', token, leaseEndsAt}, or the run that stands in the way
 */
const begin = `${readRun}
if status and not lapsed and not (status == 'failed' and retryable == '1') then return run end
local fence = whole(math.max(time[1] * 1000000 + time[2], (tonumber(token) or 0) + 1))
local lease = whole(now + ARGV[2])
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1],
  'status', 'in_progress', 'owner', ARGV[1], 'startedAt', whole(now), 'leaseEndsAt', lease, 'token', fence)
redis.call('PEXPIRE', KEYS[1], whole(ARGV[2] + ARGV[3]))
return {'started', fence, lease}
`

export type StartedReply = readonly [status: 'started', token: string, leaseEndsAt: string]

/** Returns the run, or nil if its lease has run out */
const get = `${readRun}
if lapsed then return nil end
return run
`

/**
 * ARGV[1] token  ARGV[2] status  ARGV[3] JSON  ARGV[4] retryable 0 or 1  ARGV[5] retention ms
 * Returns 1 if it is so now, or was already; else the run, which is not the caller's to end
 */
const finish = `${readRun}
if token ~= ARGV[1] then return run end
if status == 'in_progress' then
  redis.call('HSET', KEYS[1], 'status', ARGV[2], 'json', ARGV[3], 'retryable', ARGV[4], 'finishedAt', whole(now))
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
  return 1
end
if status == ARGV[2] and json == ARGV[3] and retryable == ARGV[4] then return 1 end
return run
`

export const SCRIPTS = { begin, get, finish }
