/**
 * The demo's job types: small ones that each show one behaviour of the platform. Data only, so that a producer can
 * import them (`@foliot/example-demo/jobs`) without loading a handler.
 */
import { defineJob } from '@foliot/jobs'
import { z } from 'zod'

const HOUR_MS = 60 * 60 * 1000

/** Milliseconds, up to an hour. */
const duration = z.int().min(0).max(HOUR_MS)

/** The work begins to succeed with attempt `times + 1`; 0 never fails. */
const times = z.int().min(0).max(1000)

// z.json() says the same, but it walks the value and drops a key named `__proto__`, so the output would not be the input.
const anyJson = z.unknown() as unknown as z.ZodType<z.core.util.JSONType, z.core.util.JSONType>

// Longer than the longest duration, so that by default only the caller's `timeoutMs` ends one of these early.
const patient = { queue: 'demo', timeoutMs: 2 * HOUR_MS }

export const echo = defineJob({
  name: 'demo.echo',
  description: 'Gives back its input, whatever JSON value that is',
  input: anyJson,
  output: anyJson,
  queue: 'demo',
})

export const sleep = defineJob({
  name: 'demo.sleep',
  description: 'Waits for `ms` milliseconds, or until it is stopped',
  input: z.strictObject({ ms: duration }),
  output: z.strictObject({ sleptMs: z.number() }),
  ...patient,
})

export const fail = defineJob({
  name: 'demo.fail',
  description: 'Fails while the attempt is at most `times`, with `message`; `unrecoverable` asks for no retry',
  input: z.strictObject({ times, message: z.string().optional(), unrecoverable: z.boolean().optional() }),
  output: z.strictObject({ attempt: z.int() }),
  queue: 'demo',
})

export const progress = defineJob({
  name: 'demo.progress',
  description: 'Takes `steps` steps of `stepMs` milliseconds and reports a number up to 100 after each',
  input: z.strictObject({ steps: z.int().min(1).max(10_000), stepMs: duration }),
  output: z.strictObject({ steps: z.int() }),
  ...patient,
})

export const log = defineJob({
  name: 'demo.log',
  description: "Writes `lines` lines to the job's log",
  input: z.strictObject({ lines: z.int().min(0).max(10_000) }),
  output: z.strictObject({ lines: z.int() }),
  queue: 'demo',
})

export const spin = defineJob({
  name: 'demo.spin',
  description: "Blocks the worker's event loop for `ms` milliseconds",
  input: z.strictObject({ ms: duration }),
  output: z.strictObject({ spunMs: z.number() }),
  ...patient,
})

export const crash = defineJob({
  name: 'demo.crash',
  description: 'Kills its own process with SIGKILL while the attempt is at most `times`',
  input: z.strictObject({ times }),
  output: z.strictObject({ attempt: z.int() }),
  queue: 'demo',
})

export const demoJobs = [echo, sleep, fail, progress, log, spin, crash] as const
