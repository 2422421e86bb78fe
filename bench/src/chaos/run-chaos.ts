import { mkdtemp, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChaosOptions, readOptions } from './options.ts'

export interface PlayOptions extends ChaosOptions {
  /** Where all is written: the data of Redis, what the processes write, what was done to them. */
  dir: string
  /** Aborted when the run has to stop. */
  signal: AbortSignal
}

/** A suite that plays one run. */
export interface ChaosSuite<Outcome> {
  /** The script that it is run by: `chaos`. */
  command: string
  /** @throws Error if it could not be played, and the reason of the signal. */
  play(options: PlayOptions): Promise<Outcome>
  hasPassed(outcome: Outcome, options: ChaosOptions): boolean
  /** Prints what came of it, for people. */
  report(outcome: Outcome, options: ChaosOptions): void
  /** What is printed last, as JSON. */
  lastLine(outcome: Outcome, options: ChaosOptions): object
  /** Writes to the folder of the run what somebody needs who wants to know what went wrong. */
  saveProblems(dir: string, outcome: Outcome): Promise<void>
}

/** Plays a suite as the arguments of this process say, and ends the process: with 1 if it did not pass. */
export async function runChaos<Outcome>(suite: ChaosSuite<Outcome>): Promise<never> {
  const { command } = suite
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal))

  let dir: string | undefined
  let passed = false
  let line = ''
  try {
    const options = readOptions(process.argv.slice(2), command)
    dir = await mkdtemp(join(tmpdir(), 'foliot-chaos-'))
    console.log(`${command}: ${options.minutes} min, seed ${options.seed}`)
    const outcome = await suite.play({ ...options, dir, signal: stop.signal })
    suite.report(outcome, options)
    line = JSON.stringify(suite.lastLine(outcome, options))
    passed = suite.hasPassed(outcome, options)
    if (!passed) await suite.saveProblems(dir, outcome)
  } catch (error) {
    // Before there is a folder, it is about the arguments. Afterwards it is about us, and where it happened says more.
    if (!stop.signal.aborted) console.error(dir === undefined ? `${command}: ${(error as Error).message}` : error)
  }

  const keepsDir = dir !== undefined && !passed && !stop.signal.aborted
  if (keepsDir) console.log(`\nWhat went wrong, what was done to the processes and what they wrote: ${dir}`)
  else if (dir !== undefined) await rm(dir, { recursive: true, force: true })
  if (stop.signal.aborted) {
    const signal = stop.signal.reason as NodeJS.Signals
    console.error(`${command}: stopped by ${signal}`)
    process.exit(128 + constants.signals[signal])
  }
  // .ci/run counts this line.
  console.log(passed ? '\n1 passed, 0 failed' : '\n0 passed, 1 failed')
  if (line !== '') console.log(line)
  process.exit(passed ? 0 : 1)
}
