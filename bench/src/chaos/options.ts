import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

export interface ChaosOptions {
  /** How long processes are killed and jobs are sent. Above 0, default 1. */
  minutes: number
  /** What everything random follows from: a whole number from 0 to 4 294 967 295. Default: any. */
  seed: number
}

const SEED_MAX = 2 ** 32 - 1
const MINUTES_MAX = 24 * 60

/**
 * @param command the script that is run: `chaos`
 * @throws Error that names the argument that does not fit.
 */
export function readOptions(args: readonly string[], command = 'chaos'): ChaosOptions {
  try {
    const { minutes, seed } = parse(args)
    return {
      minutes: minutes === undefined ? 1 : readMinutes(minutes),
      seed: seed === undefined ? randomInt(SEED_MAX + 1) : readSeed(seed),
    }
  } catch (error) {
    const usage = `usage: pnpm ${command} [--minutes N] [--seed S]`
    throw new Error(`${(error as Error).message}; ${usage}`, { cause: error })
  }
}

function readMinutes(text: string): number {
  const minutes = /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0
  if (minutes > 0 && minutes <= MINUTES_MAX) return minutes
  throw new Error(`expected --minutes to be a number above 0, at most ${MINUTES_MAX}, got "${text}"`)
}

function readSeed(text: string): number {
  if (/^\d{1,10}$/.test(text) && Number(text) <= SEED_MAX) return Number(text)
  throw new Error(`expected --seed to be a whole number from 0 to ${SEED_MAX}, got "${text}"`)
}

const parse = (args: readonly string[]) =>
  parseArgs({ args: [...args], options: { minutes: { type: 'string' }, seed: { type: 'string' } } }).values
