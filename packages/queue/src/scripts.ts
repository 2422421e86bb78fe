import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import type * as BullScripts from 'bullmq/dist/esm/scripts/index.js'
import type { Redis } from 'ioredis'
import * as lua from './generated/lua.ts'

/**
 * Our Lua scripts as commands. Some wrap a script of BullMQ: its text becomes the local function `bull`, so that its
 * move and our fields are one atomic step. BullMQ is pinned exactly, and a test pins the texts that are used.
 */

const bullScripts: typeof BullScripts = createRequire(import.meta.url)('bullmq/dist/cjs/scripts/index.js')

const around = (bull: { content: string }, ours: string): string =>
  `local function bull()\n${bull.content}\nend\n${ours}`

/** BullMQ writes a new job's hash in one command. Our envelope goes with it: another command would cost a tenth more. */
const withEnvelope = ({ content }: { content: string }): { content: string } => {
  const [before, after, ...more] = content.split('local optionalValues = {}')
  if (after === undefined || more.length > 0) throw new Error('this BullMQ stores a new job in another way')
  return { content: `${before}local optionalValues = {'env', ARGV[4]}${after}` }
}

export const SCRIPTS = {
  addStandardJob: around(withEnvelope(bullScripts.addStandardJob), lua.addJob),
  addDelayedJob: around(withEnvelope(bullScripts.addDelayedJob), lua.addJob),
  addPrioritizedJob: around(withEnvelope(bullScripts.addPrioritizedJob), lua.addJob),
  recoverStalled: around(bullScripts.moveStalledJobsToWait, `${lua.quarantine}\n${lua.recoverStalled}`),
  handBack: around(bullScripts.moveJobFromActiveToWait, lua.handBack),
  promote: around(bullScripts.promote, lua.promote),
  cancelWaiting: lua.cancelWaiting,
  redrive: lua.redrive,
  discard: lua.discard,
  renewLocks: `${lua.holds}\n${lua.renewLocks}`,
  writeAttempt: `${lua.holds}\n${lua.writeAttempt}`,
  announce: lua.announce,
}

export type ScriptName = keyof typeof SCRIPTS

/** The texts of BullMQ that we build on, for the test that pins them. */
export const WRAPPED = [
  'addStandardJob',
  'addDelayedJob',
  'addPrioritizedJob',
  'moveStalledJobsToWait',
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
