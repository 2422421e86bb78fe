import type { AnyJobDefinition, JobData, JobOutput } from './define-job.ts'
import type { Outcome } from './outcome.ts'

/** Lines that belong to one job. Kept with it and read by `GET /v1/jobs/{id}/logs`. */
export interface JobLog {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}

/** What a handler may know of its attempt, and do with it. It is the handler's only way to the queue. */
export interface JobContext {
  readonly jobId: string
  readonly type: string
  readonly queue: string
  readonly tenant: string
  readonly labels: Readonly<Record<string, string>>
  /** 1 for the first start. Grows at every start, also after a redrive, and never shrinks. */
  readonly attempt: number
  readonly maxAttempts: number
  /** The time the job was meant for: its `runAt`, or when it was created. */
  readonly scheduledFor: Date
  /** Aborts on timeout, cancel, a lost lock or shutdown. Pass it on to everything that waits. */
  readonly signal: AbortSignal
  readonly log: JobLog
  /** Stores any JSON value up to 4 KiB as the job's progress. Resolves when it can be read. */
  progress(value: unknown): Promise<void>
  /**
   * Does a part of the job whose result is kept: later attempts, also after a redrive, get it at once and do not run `fn`
   * again. `fn` runs at least once; of its results exactly one is kept, as JSON of up to 16 KiB.
   *
   * @param name unique within the job, up to 100 characters; a job may have 100 steps.
   * @throws what `fn` throws, and then nothing is kept; an AbortError once the job has another owner.
   */
  step<T>(name: string, fn: () => T | Promise<T>): Promise<T>
}

/** What a handler may return: its output, nothing (null), or an outcome. */
// biome-ignore lint/suspicious/noConfusingVoidType: it is how a function that returns nothing is typed
type Result<J extends AnyJobDefinition> = JobOutput<J> | Outcome<JobOutput<J>> | void

/** Does the work of one job type. Throws to fail the attempt. */
export type Handler<J extends AnyJobDefinition = AnyJobDefinition> = (
  input: JobData<J>,
  ctx: JobContext,
) => Promise<Result<J>> | Result<J>

/** One handler for each definition. A definition without a handler does not compile. */
export type Handlers<Definitions extends readonly AnyJobDefinition[]> = {
  readonly [Name in Definitions[number]['name']]: Handler<Extract<Definitions[number], { name: Name }>>
}

/** What a module named in `FOLIOT_JOBS` exports as default: definitions and their handlers. */
export interface JobPack {
  readonly jobs: readonly AnyJobDefinition[]
  readonly handlers: Readonly<Record<string, Handler>>
}

/**
 * Joins definitions with their handlers.
 *
 * @throws TypeError for a type defined twice, and (from untyped code) for a missing or surplus handler.
 */
export function jobPack<const Definitions extends readonly AnyJobDefinition[]>(
  jobs: Definitions,
  handlers: Handlers<Definitions>,
): JobPack {
  const names = new Set<string>()
  for (const { name } of jobs) {
    if (names.has(name)) throw new TypeError(`job type "${name}" is defined twice in one pack`)
    if (!Object.hasOwn(handlers, name)) throw new TypeError(`job type "${name}" has no handler`)
    names.add(name)
  }
  for (const name of Object.keys(handlers)) {
    if (!names.has(name)) throw new TypeError(`handler "${name}" belongs to no job type of its pack`)
  }
  return Object.freeze({ jobs, handlers: handlers as unknown as Record<string, Handler> })
}
