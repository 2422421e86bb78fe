import type { AnyJobDefinition, Job, JobInput, JobOutput, Problem } from '@foliot/jobs'

/** How one job differs from its type. The api checks all of it. */
export interface EnqueueOptions {
  /** Start no earlier than this. Text is RFC 3339. Not together with `delayMs`. */
  runAt?: Date | string | undefined
  /** Start no earlier than in so many milliseconds. */
  delayMs?: number | undefined
  /** 0 runs first; up to 2 097 151. Default: the type's. */
  priority?: number | undefined
  /** For 24 h the same key and body give the same job. Default: a random key, which guards the client's own retries. */
  idempotencyKey?: string | undefined
  /**
   * At most one live job has the key, per tenant, queue and type: while it has not ended, and for at most `ttlMs`, it is the
   * answer to whoever asks for another one.
   */
  dedupe?: { key: string; ttlMs?: number | undefined } | undefined
  /** How many attempts the job has in all. Default: the type's. */
  attempts?: number | undefined
  /** How long one attempt may take, in milliseconds. Default: the type's. */
  timeoutMs?: number | undefined
  /** From now until the job has to have ended, all attempts and waits included, in milliseconds. Default: no deadline. */
  deadlineMs?: number | undefined
  /** At most 32, with keys up to 63 and values up to 256 characters. */
  labels?: Record<string, string> | undefined
  /** `fsync`: answered only when the job is on the disk of Redis. Default: what Redis does by itself. */
  durability?: 'fsync' | undefined
}

/** One job of `enqueueMany`: a definition or a type's name, its input, and options. */
export interface JobRequest<Type extends AnyJobDefinition | string = AnyJobDefinition | string, Input = unknown>
  extends EnqueueOptions {
  type: Type
  input: Input
}

/** A job whose output is known by its definition. */
export interface TypedJob<J> extends Job {
  /** null until the job succeeded. */
  output: JobOutput<J> | null
}

/**
 * What became of one job of `enqueueMany`: 202 is new; 200 was there, under the same idempotency key (`replayed`) or living
 * with the same `dedupe` key (`deduplicated`); anything else is an error.
 */
export type EnqueueResult<J extends Job = Job> =
  | { status: 200 | 202; job: J; replayed?: true; deduplicated?: true; error?: never }
  | { status: number; error: Problem; job?: never }

/** The requests of a list whose definitions are `Types`, each with the input of its own. */
export type JobRequests<Types extends readonly (AnyJobDefinition | string)[]> = {
  [Index in keyof Types]: JobRequest<Types[Index], InputOf<Types[Index]>>
}

/** The results of a list whose definitions are `Types`. */
export type EnqueueResults<Types extends readonly (AnyJobDefinition | string)[]> = {
  [Index in keyof Types]: EnqueueResult<Types[Index] extends AnyJobDefinition ? TypedJob<Types[Index]> : Job>
}

/** What a job takes: of a definition its own, of a name alone anything. */
export type InputOf<Type> = Type extends AnyJobDefinition ? JobInput<Type> : unknown

/** Gives a request the key under which it can be sent more than once. */
export const withIdempotencyKey = (request: JobRequest): JobRequest => ({
  ...request,
  idempotencyKey: request.idempotencyKey ?? randomKey(),
})

/**
 * The request as JSON, as it goes over the wire. Fields that are not known here go along, for the api to refuse.
 *
 * @throws TypeError if the input is no JSON (a cycle, a bigint) or `runAt` is no date.
 */
export function jobRequestText({ type, runAt, ...rest }: JobRequest): string {
  if (runAt instanceof Date && Number.isNaN(runAt.getTime())) {
    throw new TypeError('expected `runAt` to be a date, got an invalid one')
  }
  return JSON.stringify({ type: typeof type === 'string' ? type : type.name, runAt, ...rest })
}

/** 128 random bits as text. It has to be unique, not secret, so a runtime without Web Crypto (Node 18) will do. */
export function randomKey(): string {
  const bytes = globalThis.crypto
    ? globalThis.crypto.getRandomValues(new Uint8Array(16))
    : Uint8Array.from({ length: 16 }, () => Math.random() * 256)
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
