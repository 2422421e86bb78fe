/**
 * pnpm chaos: real processes are killed, frozen and stopped while jobs are sent through REST. Afterwards every accepted job
 * has to have ended, once. The last line is one JSON object.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { readOptions } from './chaos/options.ts'
import { hasPassed } from './chaos/outcome.ts'
import { play } from './chaos/play.ts'
import { lastLine, report, saveProblems } from './chaos/report.ts'

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort(signal))

let dir: string | undefined
let passed = false
let line = ''
try {
  const options = readOptions(process.argv.slice(2))
  dir = await mkdtemp(join(tmpdir(), 'foliot-chaos-'))
  console.log(`chaos: ${options.minutes} min, seed ${options.seed}`)
  const outcome = await play({ ...options, dir, signal: stop.signal })
  report(outcome)
  line = JSON.stringify(lastLine(outcome, options))
  passed = hasPassed(outcome)
  if (!passed) await saveProblems(dir, outcome)
} catch (error) {
  // Before there is a folder, it is about the arguments. Afterwards it is about us, and where it happened says more.
  if (!stop.signal.aborted) console.error(dir === undefined ? `chaos: ${(error as Error).message}` : error)
}

const keepsDir = dir !== undefined && !passed && !stop.signal.aborted
if (keepsDir) console.log(`\nWhat went wrong, what was done to the processes and what they wrote: ${dir}`)
else if (dir !== undefined) await rm(dir, { recursive: true, force: true })
if (stop.signal.aborted) {
  const signal = stop.signal.reason as NodeJS.Signals
  console.error(`chaos: stopped by ${signal}`)
  process.exit(128 + constants.signals[signal])
}
// .ci/run counts this line.
console.log(passed ? '\n1 passed, 0 failed' : '\n0 passed, 1 failed')
if (line !== '') console.log(line)
process.exit(passed ? 0 : 1)
