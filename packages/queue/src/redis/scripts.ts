import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { LIMITS } from '@foliot/jobs'
import type * as BullScripts from 'bullmq/dist/esm/scripts/index.js'
import type { Redis } from 'ioredis'
import { UNREADABLE_REQUEST } from '../attempts/cancel-request.ts'
import * as lua from '../generated/lua.ts'
import { REMOVED_AT_ONCE } from '../jobs/retention.ts'
import { HOLDS, LOCK_SCRIPTS } from '../locks/lock-scripts.ts'

/**
 * Our Lua scripts as commands. Some wrap a script of BullMQ: its text becomes the local function `bull`, so that its
 * move and our fields are one atomic step. Some have our fields spliced into it. BullMQ is pinned exactly, and a test pins the texts that are used.
 */

const bullScripts: typeof BullScripts = createRequire(import.meta.url)('bullmq/dist/cjs/scripts/index.js')

const around = (bull: { content: string }, ours: string): string =>
  `local function bull()\n${bull.content}\nend\n${ours}`

const moving = (move: string, ours: string): string => `local function move()\n${move}\nend\n${ours}`

/**
 * Puts our fields into a command that BullMQ makes anyway: one more for each job costs a twentieth of all that Redis does
 * for it.
 *
 * @throws Error if BullMQ's text no longer has one of the places, each exactly once.
 */
function splice({ content }: { content: string }, places: Record<string, string>): { content: string } {
  let text = content
  for (const [theirs, ours] of Object.entries(places)) {
    const parts = text.split(theirs)
    if (parts.length !== 2) throw new Error(`expected "${theirs}" once in BullMQ's script, found ${parts.length - 1}`)
    text = parts.join(ours)
  }
  return { content: text }
}

/**
 * What add-job.lua puts into `fields` is stored with the job. Our ids need no counter, and of BullMQ's events nobody here
 * reads `added`: `waiting` or `delayed` follows at once.
 */
const ADD = {
  'local optionalValues = {}': 'local optionalValues = fields',
  'local jobCounter = rcall("INCR", ': 'local jobCounter = (',
  'rcall("XADD", eventsKey, "*", "event", "added", "jobId", jobId, "name", name)':
    'rcall("ZADD", index, timestamp, jobId)',
}

/** One of BullMQ's add scripts. Behind its keys stands the index of the jobs. */
const add = (bull: { content: string; keys: number }): string =>
  `local fields, index = {'env', ARGV[4]}, KEYS[${bull.keys + 1}]\n${around(splice(bull, ADD), lua.addJob)}`

/**
 * All but the helpers becomes a function, which finish.lua calls for one job after the other: to set BullMQ's script up, and
 * to read its options, is a tenth of what it costs to end a job. ARGV[8] has these. ARGV[9] is the attempts used, which BullMQ
 * would count. ARGV[10] is the key of the deadlines if something outlives the job that is to be told of its end, else empty.
 * The fields follow, names and values, `atm` and `st` first: the event names an end that BullMQ has no word for. No job of
 * ours has children, so nobody asks for them.
 */
const FINISH = {
  'local jobIdKey = KEYS[12]': 'local function finish(jobIdKey, ARGV)',
  'cmsgpack.unpack(ARGV[8])': 'ARGV[8]',
  'rcall("SCARD", jobIdKey .. ":dependencies") ~= 0': 'false',
  'rcall("ZCARD", jobIdKey .. ":unsuccessful") ~= 0': 'false',
  'updateJobFields(jobIdKey, ARGV[9]);': '',
  // The event of the end trims the stream instead.
  'trimEvents(metaKey, eventStreamKey)\n    local prefix': 'local prefix',
  'rcall("XADD", eventStreamKey, "*", "event", ARGV[5], "jobId", jobId, ARGV[3], ARGV[4], "prev", "active")':
    'rcall("XADD", eventStreamKey, "MAXLEN", "~", "10000", "*", "event", ARGV[5], "jobId", jobId, ARGV[3], ARGV[4], ' +
    '"prev", "active", unpack((ARGV[14] == "cancelled" or ARGV[14] == "timed_out") and {"st", ARGV[14]} or {}))',
  'rcall("HINCRBY", jobIdKey, "atm", 1)': 'ARGV[9]',
  'rcall("HSET", jobIdKey, ARGV[3], ARGV[4], "finishedOn", timestamp)':
    'rcall("HSET", jobIdKey, ARGV[3], ARGV[4], "finishedOn", timestamp, unpack(ARGV, 11))\n' +
    `if ARGV[10] ~= '' then\n${lua.noteEnd}\nnoteEnd(jobIdKey, jobId, ARGV[10])\nend`,
  'rcall("HDEL", jobIdKey, "defa")': 'rcall("HDEL", jobIdKey, "defa")\nrcall("ZADD", KEYS[15], timestamp, jobId)',
  'rcall("ZREVRANGEBYSCORE", targetSet, start, "-inf", "LIMIT", 0, maxLimit)': 'outdated(targetSet, start, maxLimit)',
  // BullMQ removes all that are too many, however long that takes.
  'local jobIds = rcall("ZREVRANGE", targetSet, start, -1)': `local jobIds = surplus(targetSet, start, ${REMOVED_AT_ONCE})`,
  'rcall("ZREMRANGEBYRANK", targetSet, 0, -(maxCount + 1))': '',
}

export const SCRIPTS = {
  addStandardJob: add(bullScripts.addStandardJob),
  addDelayedJob: add(bullScripts.addDelayedJob),
  addPrioritizedJob: add(bullScripts.addPrioritizedJob),
  finish: [lua.surplus, splice(bullScripts.moveToFinished, FINISH).content, 'end', lua.cancelRequest, lua.finish].join(
    '\n',
  ),
  recoverStalled: around(
    bullScripts.moveStalledJobsToWait,
    [
      `local MAX_DEATHS, UNREADABLE_REQUEST = ${LIMITS.deaths}, '${JSON.stringify(UNREADABLE_REQUEST)}'`,
      ...[lua.noteEnd, lua.bury, lua.attemptField, lua.noteLost, lua.endCancelled, lua.quarantine, lua.recoverStalled],
    ].join('\n'),
  ),
  postpone: around(bullScripts.moveToDelayed, `${lua.cancelRequest}\n${lua.postpone}`),
  handBack: around(bullScripts.moveJobFromActiveToWait, `${lua.cancelRequest}\n${lua.handBack}`),
  promote: around(bullScripts.promote, `${lua.noteEvents}\n${lua.promote}`),
  cancel: [lua.noteEnd, lua.attemptField, lua.noteLost, lua.endCancelled, lua.cancel].join('\n'),
  endOverdue: [lua.noteEnd, lua.bury, lua.endCancelled, lua.endUnstarted, lua.noteEvents, lua.endOverdue].join('\n'),
  startInTime: [HOLDS, lua.noteEnd, lua.bury, lua.endCancelled, lua.endUnstarted, lua.startInTime].join('\n'),
  redrive: `${lua.noteEvents}\n${lua.redrive}`,
  deleteJob: lua.deleteJob,
  countTenant: lua.countTenant,
  takeTokens: lua.takeTokens,
  projectAccess: lua.projectAccess,
  nextDead: lua.nextDead,
  startOperation: lua.startOperation,
  takeOperation: lua.takeOperation,
  holdOperation: lua.holdOperation,
  turnOperation: lua.turnOperation,
  openPart: lua.openPart,
  redrivePart: moving(`${lua.noteEvents}\n${lua.redrive}`, lua.advancePart),
  discardPart: moving(`${lua.noteEvents}\n${lua.discard}`, lua.advancePart),
  // What was made before is counted alone.
  backfillPart: moving('return ARGV', lua.advancePart),
  tallyPart: lua.tallyPart,
  ...LOCK_SCRIPTS,
  writeAttempt: `${HOLDS}\n${lua.writeAttempt}`,
  readLog: lua.readLog,
  announce: lua.announce,
  forgetQueue: lua.forgetQueue,
  logsOf: lua.logsOf,
  takeFromOutbox: lua.takeFromOutbox,
  dropUnkept: lua.dropUnkept,
  holdLease: lua.holdLease,
  beginAudit: lua.beginAudit,
  endAudit: lua.endAudit,
  readAudit: lua.readAudit,
  takeAudit: lua.takeAudit,
  decideTicks: lua.decideTicks,
  openSlot: lua.openSlot,
  leaveHome: lua.leaveHome,
  holdSlots: lua.holdSlots,
  projectSchedules: lua.projectSchedules,
  settleSchedule: lua.settleSchedule,
  tellFindings: lua.tellFindings,
}

export type ScriptName = keyof typeof SCRIPTS

/** The texts of BullMQ that we build on, for the test that pins them. */
export const WRAPPED = [
  'addStandardJob',
  'addDelayedJob',
  'addPrioritizedJob',
  'moveToFinished',
  'moveStalledJobsToWait',
  'moveToDelayed',
  'moveJobFromActiveToWait',
  'promote',
] as const satisfies (keyof typeof BullScripts)[]

export const bullScript = (name: (typeof WRAPPED)[number]): { content: string; keys: number } => bullScripts[name]

export type Arg = string | number | Buffer

/** Our scripts' commands are `foliot:<name>` on the connection; ioredis loads each text once and calls it by hash. */
const commandOf = (name: ScriptName): string => `foliot:${name}`

type Command = (numberOfKeys: number, ...args: Arg[]) => unknown

/** Makes every script callable on this connection. Safe twice. */
export function defineScripts<Connection extends Redis>(redis: Connection): Connection {
  for (const [name, text] of Object.entries(SCRIPTS)) {
    const command = commandOf(name as ScriptName)
    if (!(command in redis)) redis.defineCommand(command, { lua: text })
  }
  return redis
}

/** Runs a script of ours. What it answers is the concern of the one function that wraps it. */
export function runScript(redis: Redis, name: ScriptName, keys: string[], args: Arg[]): Promise<unknown> {
  return commandOn(redis, name).call(redis, keys.length, ...keys, ...args) as Promise<unknown>
}

function commandOn(redis: Redis, name: ScriptName): Command {
  const command = (redis as unknown as Record<string, Command | undefined>)[commandOf(name)]
  if (!command) throw new Error('expected a connection with our scripts, got one without: call defineScripts(redis)')
  return command
}

const shas = new Map<string, string>()

/** The name under which Redis knows the text of a script. */
export function shaOf(name: ScriptName): string {
  let sha = shas.get(name)
  if (sha === undefined) {
    sha = createHash('sha1').update(SCRIPTS[name]).digest('hex')
    shas.set(name, sha)
  }
  return sha
}
