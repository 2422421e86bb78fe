import type { Redis } from 'ioredis'
import { checkRunKey, resolveBegin, resolveRetention, toJson } from './checks.ts'
import { runKey } from './keys.ts'
import { RUN_ONCE_DEFAULTS } from './limits.ts'
import { refusal } from './refusal.ts'
import type { RunKey, RunOnceStore, RunRecord } from './run-once-store.ts'
import { type RunReply, SCRIPTS, type StartedReply } from './scripts.ts'

/**
 * A run-once store in Redis 6.2 or later, one that evicts no keys. The connection stays the caller's: how long a command
 * waits for an absent Redis, and with which error it then fails, is the connection's affair.
 */
export function redisRunOnceStore(redis: Redis): RunOnceStore {
  defineScripts(redis)

  async function finish(
    run: RunKey,
    token: number,
    ...end: [status: string, json: string, retryable: 0 | 1, ms: number]
  ) {
    checkRunKey(run)
    const reply = await runScript(redis, 'finish', run, token, ...end)
    if (reply !== 1) throw refusal(standingOf(reply as RunReply), token)
  }

  return {
    async begin(run, options) {
      checkRunKey(run)
      const { owner, leaseMs } = resolveBegin(options)
      const reply = await runScript(redis, 'begin', run, owner, leaseMs, RUN_ONCE_DEFAULTS.retentionMs)
      const [status, token, leaseEndsAt] = reply as StartedReply | RunReply
      if (status !== 'started') return toRecord(reply as RunReply)
      return { status, token: Number(token), leaseEndsAt: Number(leaseEndsAt) }
    },

    async get(run) {
      checkRunKey(run)
      const reply = (await runScript(redis, 'get', run)) as RunReply | null
      return reply === null || reply[0] === null ? undefined : toRecord(reply)
    },

    complete: async (run, token, result, options = {}) =>
      finish(run, token, 'completed', toJson('result', result), 0, resolveRetention(options)),

    fail: async (run, token, error, { retryable = true, ...options } = {}) =>
      finish(run, token, 'failed', toJson('error', error), retryable ? 1 : 0, resolveRetention(options)),
  }
}

type ScriptName = keyof typeof SCRIPTS
type Command = (...args: (string | number)[]) => Promise<unknown>

const commandOf = (name: ScriptName): string => `foliot:once:${name}`

/** Makes the scripts callable on this connection; ioredis loads each text once and calls it by hash. Safe twice. */
function defineScripts(redis: Redis): void {
  for (const [name, lua] of Object.entries(SCRIPTS)) {
    const command = commandOf(name as ScriptName)
    if (!(command in redis)) redis.defineCommand(command, { numberOfKeys: 1, lua })
  }
}

function runScript(redis: Redis, name: ScriptName, run: RunKey, ...args: (string | number)[]): Promise<unknown> {
  const command = (redis as unknown as Record<string, Command>)[commandOf(name)] as Command
  return command.call(redis, runKey(run), ...args)
}

function toRecord(reply: RunReply): RunRecord {
  const [status, owner, startedAt, leaseEndsAt, finishedAt, retryable, json, , now] = reply
  const run = { owner, startedAt: Number(startedAt) }
  if (status === 'completed') return { status, ...run, finishedAt: Number(finishedAt), result: JSON.parse(json) }
  if (status === 'failed') {
    return { status, ...run, finishedAt: Number(finishedAt), retryable: retryable === '1', error: JSON.parse(json) }
  }
  const ends = Number(leaseEndsAt)
  return { status: 'in_progress', ...run, leaseEndsAt: ends, retryAfterMs: ends - Number(now) }
}

const standingOf = ([status, owner, , , , , , token]: RunReply) =>
  status === null ? undefined : { status, owner, token: Number(token) }
