import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** How often each arm is measured. Default 5, the least that a figure is quoted from; with `short` 1. */
  rounds: number
  /** One tiny round, which shows that the bench runs and nothing else. */
  short: boolean
  /** Where CPU profiles of our processes are written, as an absolute path. Profiling costs throughput. */
  profileDir?: string
}

const ROUNDS = 5
const USAGE =
  'usage: pnpm bench rest|drain|batch|latency|memory|cancel|redrive|outage|idle [--rounds N] [--short] [--profile DIR]'

/** @throws Error that names the argument that does not fit. */
export function readOptions(args: readonly string[], cwd: string): BenchOptions {
  const { rounds, short = false, profile } = parse(args)
  if (rounds !== undefined && !/^[1-9]\d{0,2}$/.test(rounds)) {
    throw new Error(`expected --rounds to be a whole number from 1 to 999, got "${rounds}"; ${USAGE}`)
  }
  if (rounds !== undefined && short) throw new Error(`expected --rounds or --short, got both; ${USAGE}`)
  return {
    rounds: short ? 1 : Number(rounds ?? ROUNDS),
    short,
    ...(profile !== undefined && { profileDir: resolve(cwd, profile) }),
  }
}

function parse(args: readonly string[]) {
  try {
    const options = { rounds: { type: 'string' }, short: { type: 'boolean' }, profile: { type: 'string' } } as const
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new Error(`${(error as Error).message}; ${USAGE}`, { cause: error })
  }
}
