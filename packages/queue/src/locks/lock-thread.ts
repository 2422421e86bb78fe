/**
 * The thread that renews the locks of a process, whatever its main loop does, and ends the process when an attempt blocks
 * that loop past its time, or all that could block it do so past their grace after they were asked to end: nothing else could.
 * It loads no BullMQ, and nothing else that is large.
 */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { Redis, type RedisOptions } from 'ioredis'
import { parseCancelRequest } from '../attempts/cancel-request.ts'
import { type LockOwner, LockRounds, type Verdict } from './lock-rounds.ts'
import { LOCK_SCRIPTS, markBlocked, type RunLockScript } from './lock-scripts.ts'
import { type HeldLock, type LockBlock, LockReader, monotonicMs } from './lock-table.ts'
import { MainLoopWatch, TICK_MS } from './main-loop-watch.ts'

export interface LockThreadData {
  /** What makes a connection to the same place as that of the main thread. */
  connection: Pick<RedisOptions, 'host' | 'port' | 'family' | 'path' | 'username' | 'password' | 'db' | 'tls'>
  blocks: LockBlock[]
  owners: LockOwner[]
  /** One word, counted up by the main loop every `TICK_MS`. */
  ticks: Int32Array
}

export type ToLockThread = { block: LockBlock } | { owners: LockOwner[] }

export type FromLockThread =
  /** All is loaded. */
  | { kind: 'up' }
  | { kind: 'verdicts'; verdicts: Verdict[] }
  /** Locks were not renewed. */
  | { kind: 'failed'; message: string }

/** A main loop that is blocked for longer may have fetches whose answers it has not read. */
const UNSEEN_AFTER_MS = 1000

/** A main loop that is blocked for longer does not end what is past its time. */
const KILL_AFTER_MS = 2000

/** How long Redis has to note why the process is killed. */
const MARK_WITHIN_MS = 1000

const STDERR = 2

/** Redis that says nothing for longer gets another connection, in time for the locks. */
const SILENCE_MS = 2000

const { connection, blocks, ticks, ...first } = workerData as LockThreadData
const port = parentPort as MessagePort
const tell = (message: FromLockThread): void => port.postMessage(message)

const redis = new Redis({
  ...connection,
  connectionName: 'foliot-locks',
  retryStrategy: () => TICK_MS,
  connectTimeout: SILENCE_MS,
  socketTimeout: SILENCE_MS,
  // Each round asks anew, for the locks that are held by then.
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
})
// What it means for the locks is told by the rounds that fail.
redis.on('error', () => undefined)
for (const [name, lua] of Object.entries(LOCK_SCRIPTS)) redis.defineCommand(name, { lua })
const commands = redis as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>
const run: RunLockScript = async (name, keys, args) => commands[name]?.(keys.length, ...keys, ...args)

const locks = new LockReader(blocks)
const rounds = new LockRounds(locks, run, (verdicts) => {
  noteAsked(verdicts)
  tell({ kind: 'verdicts', verdicts })
})
/** By row: the state in which it held a lock whose attempt is asked to end, and since when. */
const asked = new Map<number, { state: number; since: number }>()
const mainLoop = new MainLoopWatch(ticks)
let owners = first.owners

async function look(): Promise<void> {
  mainLoop.look()
  const now = monotonicMs()
  if (mainLoop.blockedMs > KILL_AFTER_MS) {
    const overdue = findOverdue(now)
    if (overdue.length > 0) return end(overdue)
  }
  if (!rounds.isDue(now)) return
  try {
    await rounds.round(now, mainLoop.blockedMs >= UNSEEN_AFTER_MS ? owners : [])
  } catch (error) {
    tell({ kind: 'failed', message: (error as Error).message })
  }
}

/**
 * Those for whose sake the process has to go. Which of them blocks it, nobody can tell: one that is past its time is reason
 * enough, but one that is asked to end may only be kept from hearing of it, so none may be among them that is within its limits.
 */
function findOverdue(now: number): HeldLock[] {
  // The others do not run in this loop, but in processes of their own.
  const limited = locks.read().filter(({ killAt }) => killAt !== Number.POSITIVE_INFINITY)
  const overdue = limited.filter((lock) => lock.killAt <= now || askedUntil(lock) <= now)
  return overdue.length === limited.length || overdue.some(({ killAt }) => killAt <= now) ? overdue : []
}

function noteAsked(verdicts: readonly Verdict[]): void {
  for (const { row, state, request } of verdicts) {
    if (!parseCancelRequest(request) || asked.get(row)?.state === state) continue
    asked.set(row, { state, since: monotonicMs() })
  }
}

/** When its grace is over; Infinity if nobody has asked it to end. */
function askedUntil({ row, state, graceMs }: HeldLock): number {
  const request = asked.get(row)
  return request?.state === state ? request.since + graceMs : Number.POSITIVE_INFINITY
}

/** Kills this process, unless its main loop turns again just now. No lock is renewed meanwhile. */
async function end(overdue: readonly HeldLock[]): Promise<void> {
  clearInterval(timer)
  const { blockedMs } = mainLoop
  const marks = overdue.map((lock) => markBlocked(run, lock))
  await Promise.race([Promise.allSettled(marks), sleep(MARK_WITHIN_MS)])
  if (mainLoop.hasTurned) {
    timer = setInterval(look, TICK_MS)
    return
  }
  const now = monotonicMs()
  const what = overdue.some(({ killAt }) => killAt <= now) ? 'timeout' : 'cancellation'
  say({
    level: 'fatal',
    time: new Date().toISOString(),
    pid: process.pid,
    msg: `the main loop is blocked past the ${what} of a job: killing this process`,
    blockedMs,
    jobs: overdue.map(({ queue, id, attempt }) => ({ queue, jobId: id, attempt })),
  })
  die()
}

/** A signal that the first process of a container sends to itself is passed over, even SIGKILL. A crash of V8 is not. */
function die(): void {
  process.kill(process.pid, 'SIGKILL')
  setFlagsFromString('--allow-natives-syntax')
  new Function('%AbortJS("the main loop is blocked")')()
}

/** Past the streams of the process: those go through its main loop. */
function say(line: object): void {
  try {
    writeSync(STDERR, `${JSON.stringify(line)}\n`)
  } catch {
    // Nobody reads it, or nobody reads fast enough. The process has to go all the same.
  }
}

port.on('message', (message: ToLockThread) => {
  if ('block' in message) locks.add(message.block)
  else owners = message.owners
})
let timer = setInterval(look, TICK_MS)
tell({ kind: 'up' })
