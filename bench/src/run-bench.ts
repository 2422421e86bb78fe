import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BenchOptions, type OwnOptions, readOptions } from './options.ts'

/** What a bench works with. */
export interface Bench {
  readonly name: string
  readonly options: BenchOptions
  /** A folder that is removed afterwards. */
  readonly dir: string
  /** Aborted when the bench has to stop. */
  readonly signal: AbortSignal
}

/**
 * Runs a bench as a process: reads its arguments, gives it a folder, prints its result as the last line, and ends. Told
 * to stop, or when something breaks, it first ends what was started.
 *
 * @param own what it takes besides the arguments that all take.
 */
export async function runBench(
  name: string,
  play: (bench: Bench) => Promise<object>,
  own: OwnOptions = {},
): Promise<never> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal))
  let dir: string | undefined
  try {
    const options = readOptions(process.argv.slice(2), process.cwd(), own)
    if (options.profileDir !== undefined) await mkdir(options.profileDir, { recursive: true })
    dir = await mkdtemp(join(tmpdir(), 'foliot-bench-'))
    const result = await play({ name, options, dir, signal: stop.signal })
    console.log(JSON.stringify({ bench: name, ...result, ...(options.short && { short: true }) }))
    process.exitCode = 0
  } catch (error) {
    if (stop.signal.aborted) {
      const signal = stop.signal.reason as NodeJS.Signals
      console.error(`bench ${name}: stopped by ${signal}`)
      process.exitCode = 128 + constants.signals[signal]
    } else {
      console.error(`bench ${name}: ${error instanceof Error ? error.message : error}`)
      process.exitCode = 1
    }
  } finally {
    if (dir !== undefined) await rm(dir, { recursive: true, force: true })
  }
  process.exit()
}
