import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec'
import { PRIORITY_MAX } from './limits.ts'
import { assertJobTypeName, assertQueueName } from './names.ts'
import { type RetryOptions, type RetryPolicy, resolveRetryPolicy } from './retry-policy.ts'

/** A schema that can both validate and describe itself as JSON Schema. Zod 4 is one. */
export interface JobSchema<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaV1.Props<Input, Output> & StandardJSONSchemaV1.Props<Input, Output>
}

/** Where the handler of a job type runs: with others in the worker's own process, or alone in one beside it. */
export const ISOLATIONS = ['inline', 'process'] as const

export type Isolation = (typeof ISOLATIONS)[number]

/** What of a type's jobs the history keeps: all, those that failed or timed out (and how they ended once redriven), or none. */
export const HISTORIES = ['all', 'failures', 'none'] as const

export type History = (typeof HISTORIES)[number]

/** What `defineJob` takes. Everything but `name` and `input` has a default. */
export interface JobOptions<Name extends string, Input extends JobSchema, Output extends JobSchema> {
  /** `area.verb`, for example `billing.send-invoice`. Stored in Redis: never rename it, define a new type instead. */
  name: Name
  /** Checked when a job is enqueued (as JSON Schema) and again before the handler (in full). */
  input: Input
  /** Checked after the handler returns. Default: any JSON value. */
  output?: Output
  /** One line for people, shown by `GET /v1/job-types`. */
  description?: string
  /** Grows when the meaning of the input changes. A positive integer, default 1. */
  version?: number
  /** Where jobs of this type wait. `[a-z0-9][a-z0-9._-]*`, default `default`. */
  queue?: string
  /** Default: 3 attempts, exponential from 1 s by 2, at most 60 s, full jitter, the same for all errors. */
  retry?: RetryOptions
  /** How long one attempt may take, in milliseconds. Default 60 000. */
  timeoutMs?: number
  /** 0 (default) runs first; up to 2 097 151. */
  priority?: number
  /**
   * `inline` (default): in the worker's own process, where it must let go of the event loop. `process`: in a process beside
   * it, which is killed if the handler does not end when it is told to, and whose death harms nobody else.
   */
  isolation?: Isolation
  /**
   * What of its jobs the history keeps, where there is one. Default `all`. What is not kept is gone after an hour, a dead letter
   * after a week. What was kept before a change stays as it was.
   */
  history?: History
  /**
   * Names of input and output fields that logs, boards and the history must not show, at any depth. Within free text, such as
   * messages, only values of the input are masked, and none shorter than four characters. Default none.
   */
  redact?: readonly string[]
}

/** A kind of work, as frozen data. It holds no code: a producer imports it without loading the handler. */
export interface JobDefinition<
  Name extends string = string,
  Input extends JobSchema = JobSchema,
  Output extends JobSchema = JobSchema,
> {
  readonly name: Name
  readonly input: Input
  readonly output: Output | undefined
  readonly description: string
  readonly version: number
  readonly queue: string
  readonly retry: RetryPolicy
  readonly timeoutMs: number
  readonly priority: number
  readonly isolation: Isolation
  readonly history: History
  readonly redact: readonly string[]
}

// biome-ignore lint/suspicious/noExplicitAny: a definition is invariant in its schemas; `any` is what "of whatever schema" is called
export type AnyJobDefinition = JobDefinition<string, JobSchema<any, any>, JobSchema<any, any>>

/** What a caller sends for this job: the input before the schema's defaults and transforms. */
export type JobInput<J> = J extends { input: infer S extends StandardSchemaV1 } ? StandardSchemaV1.InferInput<S> : never

/** What the handler receives: the input after the schema's defaults and transforms. */
export type JobData<J> = J extends { input: infer S extends StandardSchemaV1 } ? StandardSchemaV1.InferOutput<S> : never

/** What a job of this definition returns. */
export type JobOutput<J> = J extends { output: infer S }
  ? NonNullable<S> extends infer T extends StandardSchemaV1
    ? StandardSchemaV1.InferOutput<T>
    : unknown
  : unknown

const DEFAULTS = {
  description: '',
  version: 1,
  queue: 'default',
  timeoutMs: 60_000,
  priority: 0,
  isolation: 'inline' as Isolation,
  history: 'all' as History,
  redact: [] as string[],
}

/** The longest `timeoutMs`: a day. Longer work is a workflow of several jobs. */
const TIMEOUT_MAX_MS = 24 * 60 * 60 * 1000

/**
 * Describes one kind of job.
 *
 * @throws TypeError if a name, number or policy is out of its range; the message says what was expected.
 * @example
 * export const sendInvoice = defineJob({
 *   name: 'billing.send-invoice',
 *   input: z.object({ invoiceId: z.string() }),
 *   retry: { attempts: 8 },
 * })
 */
export function defineJob<
  const Name extends string,
  Input extends JobSchema,
  Output extends JobSchema = JobSchema<unknown, unknown>,
>(options: JobOptions<Name, Input, Output>): JobDefinition<Name, Input, Output> {
  const { retry, output, ...rest } = options
  const definition = { ...DEFAULTS, ...rest, output, retry: resolveRetryPolicy(options.name, retry) }
  assertJobTypeName(definition.name)
  assertQueueName(definition.queue)
  assertInteger(definition.name, 'version', definition.version, 1, Number.MAX_SAFE_INTEGER)
  assertInteger(definition.name, 'timeoutMs', definition.timeoutMs, 1, TIMEOUT_MAX_MS)
  assertInteger(definition.name, 'priority', definition.priority, 0, PRIORITY_MAX)
  assertOneOf(definition.name, 'isolation', definition.isolation, ISOLATIONS)
  assertOneOf(definition.name, 'history', definition.history, HISTORIES)
  return Object.freeze({ ...definition, redact: Object.freeze([...definition.redact]) })
}

function assertOneOf(job: string, field: string, value: string, choices: readonly string[]): void {
  if (choices.includes(value)) return
  const choice = choices.map((word) => `"${word}"`).join(' or ')
  throw new TypeError(`job "${job}": expected \`${field}\` to be ${choice}, got ${JSON.stringify(value)}`)
}

function assertInteger(job: string, field: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return
  throw new TypeError(`job "${job}": expected \`${field}\` to be an integer from ${min} to ${max}, got ${value}`)
}
