import { type Handlers, UnrecoverableError } from '@foliot/jobs'
import type { demoJobs } from './jobs.ts'
import { pause } from './pause.ts'

/** What `demo.spin` waits on, which blocks the event loop. */
const NOBODY_WAKES = new Int32Array(new SharedArrayBuffer(4))

/** What each demo job does. They keep nothing between two calls: all they know is their input and their attempt. */
export const handlers: Handlers<typeof demoJobs> = {
  'demo.echo': (input) => input,

  async 'demo.sleep'({ ms }, { signal }) {
    await pause(ms, signal)
    return { sleptMs: ms }
  },

  'demo.fail'({ times, message, unrecoverable = false }, { attempt }) {
    if (attempt > times) return { attempt }
    const text = message ?? `demo.fail: attempt ${attempt} of the ${times} that fail`
    throw unrecoverable ? new UnrecoverableError(text) : new Error(text)
  },

  async 'demo.progress'({ steps, stepMs }, ctx) {
    for (let step = 1; step <= steps; step++) {
      await pause(stepMs, ctx.signal)
      await ctx.progress(Math.round((100 * step) / steps))
    }
    return { steps }
  },

  'demo.log'({ lines }, ctx) {
    for (let line = 1; line <= lines; line++) ctx.log.info(`line ${line} of ${lines}`)
    return { lines }
  },

  'demo.spin'({ ms }) {
    const end = performance.now() + ms
    // As a loop that computes would, but others may have the processor.
    for (let left = ms; left > 0; left = end - performance.now()) Atomics.wait(NOBODY_WAKES, 0, 0, left)
    return { spunMs: ms }
  },

  'demo.crash'({ times }, { attempt }) {
    if (attempt > times) return { attempt }
    process.kill(process.pid, 'SIGKILL')
    // Nothing may be reported in the moment before the signal arrives.
    return new Promise<never>(() => {})
  },
}
