import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** How often each arm is measured. Default 5, the least that a figure is quoted from; with `short` 1. */
  rounds: number
  /** One tiny round, which shows that the bench runs and nothing else. */
  short: boolean
  /** Where CPU profiles of our processes are written, as an absolute path. Profiling costs throughput. */
  profileDir?: string
  /** The numbers that this bench alone takes. */
  sizes: Readonly<Record<string, number>>
  /** What this bench alone can be told to do, of that what it was told. */
  flags: ReadonlySet<string>
}

/** A number that one bench takes besides: `--jobs N`. */
export interface Size {
  standard: number
  /** With `short`. */
  short: number
  most: number
}

/** What one bench has of its own. */
export interface OwnOptions {
  /** Default 5. */
  rounds?: number
  sizes?: Readonly<Record<string, Size>>
  flags?: readonly string[]
}

const ROUNDS = 5
const NAMES = 'rest|drain|batch|latency|memory|cancel|redrive|outage|idle|history|schedules'

/** @throws Error that names the argument that does not fit. */
export function readOptions(args: readonly string[], cwd: string, own: OwnOptions = {}): BenchOptions {
  const { rounds: standard = ROUNDS, sizes = {}, flags = [] } = own
  const { rounds, short, profile, others } = parse(args, sizes, flags)
  const fail = (problem: string): never => {
    throw new Error(`${problem}; ${usageOf(sizes, flags)}`)
  }
  const read = (name: string, text: string, most: number): number => {
    if (/^[1-9]\d{0,8}$/.test(text) && Number(text) <= most) return Number(text)
    return fail(`expected --${name} to be a whole number from 1 to ${most}, got "${text}"`)
  }
  if (rounds !== undefined && short) fail('expected --rounds or --short, got both')
  return {
    rounds: rounds === undefined ? (short ? 1 : standard) : read('rounds', rounds, 999),
    short,
    ...(profile !== undefined && { profileDir: resolve(cwd, profile) }),
    sizes: Object.fromEntries(
      Object.entries(sizes).map(([name, size]) => {
        const text = others[name]
        return [name, typeof text !== 'string' ? (short ? size.short : size.standard) : read(name, text, size.most)]
      }),
    ),
    flags: new Set(flags.filter((name) => others[name] === true)),
  }
}

function parse(args: readonly string[], sizes: Readonly<Record<string, Size>>, flags: readonly string[]) {
  const names = Object.keys(sizes)
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        rounds: { type: 'string' },
        short: { type: 'boolean' },
        profile: { type: 'string' },
        ...Object.fromEntries(names.map((name) => [name, { type: 'string' } as const])),
        ...Object.fromEntries(flags.map((name) => [name, { type: 'boolean' } as const])),
      },
    })
    const { rounds, short = false, profile, ...others } = values as Values
    return { rounds, short, profile, others }
  } catch (error) {
    throw new Error(`${(error as Error).message}; ${usageOf(sizes, flags)}`, { cause: error })
  }
}

type Values = { rounds?: string; short?: boolean; profile?: string } & Readonly<Record<string, unknown>>

const usageOf = (sizes: Readonly<Record<string, Size>>, flags: readonly string[]): string =>
  [
    `usage: pnpm bench ${NAMES} [--rounds N] [--short] [--profile DIR]`,
    ...Object.keys(sizes).map((name) => `[--${name} N]`),
    ...flags.map((name) => `[--${name}]`),
  ].join(' ')
