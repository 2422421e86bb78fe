import type { AnyJobDefinition, Job, JobInput } from '@foliot/jobs'
import { readJob } from './answer.ts'
import { type CalendarCalls, calendarCalls } from './calendars.ts'
import type { CallOptions } from './call-options.ts'
import { assertTimeoutMs, type ClientOptions, resolveClientOptions } from './client-options.ts'
import { enqueueMany } from './enqueue-many.ts'
import { FoliotApiError } from './errors.ts'
import {
  type EnqueueOptions,
  type EnqueueResults,
  type JobRequest,
  type JobRequests,
  jobRequestText,
  type TypedJob,
  withIdempotencyKey,
} from './job-request.ts'
import { type ScheduleCalls, scheduleCalls } from './schedules.ts'
import { type RetryBudget, retryBudget, send } from './send.ts'
import { waitForEnd } from './wait.ts'

export interface WaitOptions extends CallOptions {
  /** How long to wait in all, in milliseconds. Default 300 000. */
  timeoutMs?: number | undefined
}

/**
 * The calls of the api. Each rejects with `FoliotApiError` if the answer is an error and with `FoliotConnectionError` if
 * none comes. Where a job is asked for, its id or the job itself will do; with the job, the answer keeps its type.
 */
export interface FoliotClient {
  /** Enqueues a job of a definition. Its input is checked by the compiler here and by the api there. */
  enqueue<J extends AnyJobDefinition>(
    definition: J,
    input: JobInput<J>,
    options?: EnqueueOptions & CallOptions,
  ): Promise<TypedJob<J>>
  /** Enqueues a job by the name of its type. */
  enqueue(type: string, input: unknown, options?: EnqueueOptions & CallOptions): Promise<Job>
  /** The same with types, for a producer that imports a definition as a type only: `enqueue<typeof echo>('demo.echo', 1)`. */
  enqueue<J extends AnyJobDefinition>(
    type: J['name'],
    input: JobInput<J>,
    options?: EnqueueOptions & CallOptions,
  ): Promise<TypedJob<J>>
  /**
   * Enqueues any number of jobs, in requests of up to 1000. The results stand in the order of the requests, and one that
   * is refused spoils no other. Rejects with `FoliotBatchError` if some jobs got no answer at all.
   */
  enqueueMany<const Types extends readonly (AnyJobDefinition | string)[]>(
    requests: JobRequests<Types>,
    options?: CallOptions,
  ): Promise<EnqueueResults<Types>>
  /** Waits until the job is terminal, whether it succeeded or not. Rejects with `ClientTimeoutError` after `timeoutMs`. */
  wait<J extends Job = Job>(job: J | string, options?: WaitOptions): Promise<J>
  get<J extends Job = Job>(job: J | string, options?: CallOptions): Promise<J>
  /** Cancels a job. One that has ended rejects with the code `illegal_transition`. */
  cancel<J extends Job = Job>(job: J | string, options?: CallOptions): Promise<J>
  /**
   * Puts a dead letter back into its queue. Unlike the other calls it is not repeated when its answer got lost, because
   * two redrives are not one.
   */
  retry<J extends Job = Job>(job: J | string, options?: CallOptions): Promise<J>
  readonly schedules: ScheduleCalls
  readonly calendars: CalendarCalls
}

const WAIT_MS = 300_000

/**
 * Makes a client of a Foliot api. It holds no connection and needs no closing.
 *
 * @throws TypeError for an option that is unknown or out of its range.
 */
export function createClient(clientOptions: ClientOptions): FoliotClient {
  const options = resolveClientOptions(clientOptions)

  async function post<J extends Job>(path: string, request: PostRequest, budget?: RetryBudget): Promise<J> {
    const answer = await send(options, { method: 'POST', path, ...request }, budget)
    // The api knows the type by its name alone, so its answer is taken to be what the caller's definition says.
    return readJob(answer) as J
  }

  const get = async <J extends Job>(job: J | string, { signal }: CallOptions = {}): Promise<J> =>
    readJob(await send(options, { method: 'GET', path: `/v1/jobs/${idOf(job)}`, repeatable: true, signal })) as J

  return {
    async enqueue<J extends AnyJobDefinition>(
      type: AnyJobDefinition | string,
      input: unknown,
      { signal, ...rest }: EnqueueOptions & CallOptions = {},
    ): Promise<TypedJob<J>> {
      const body = jobRequestText(withIdempotencyKey({ ...rest, type, input }))
      return post('/v1/jobs', { body, repeatable: true, signal })
    },

    async enqueueMany<const Types extends readonly (AnyJobDefinition | string)[]>(
      requests: JobRequests<Types>,
      { signal }: CallOptions = {},
    ): Promise<EnqueueResults<Types>> {
      const results = await enqueueMany(options, requests as readonly JobRequest[], signal)
      return results as EnqueueResults<Types>
    },

    async wait<J extends Job>(job: J | string, { timeoutMs = WAIT_MS, signal }: WaitOptions = {}): Promise<J> {
      assertTimeoutMs(timeoutMs)
      return (await waitForEnd(options, { id: idOf(job), timeoutMs, signal })) as J
    },

    get,

    async cancel<J extends Job>(job: J | string, { signal }: CallOptions = {}): Promise<J> {
      const budget = retryBudget(options.maxRetries)
      try {
        return await post(`/v1/jobs/${idOf(job)}/cancel`, { repeatable: true, signal }, budget)
      } catch (error) {
        const repeated = budget.used > 0 && error instanceof FoliotApiError && error.code === 'illegal_transition'
        if (!repeated) throw error
        // An earlier try whose answer got lost may be what cancelled it.
        const now = await get(job, { signal })
        if (now.status === 'cancelled') return now
        throw error
      }
    },

    async retry<J extends Job>(job: J | string, { signal }: CallOptions = {}): Promise<J> {
      return post(`/v1/jobs/${idOf(job)}/retry`, { repeatable: false, signal })
    },

    schedules: scheduleCalls(options),
    calendars: calendarCalls(options),
  }
}

interface PostRequest {
  body?: string
  repeatable: boolean
  signal: AbortSignal | undefined
}

function idOf(job: Job | string): string {
  const id = typeof job === 'string' ? job : job.id
  // Anything else could lead to another path of the api.
  if (/^[\w-]+$/.test(id)) return id
  throw new TypeError(`expected the id of a job, got ${JSON.stringify(id)}`)
}
