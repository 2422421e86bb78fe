import { setTimeout as sleep } from 'node:timers/promises'
import type { Job } from '@foliot/jobs'
import type { Answer, Call, Caller } from './caller.ts'
import type { JobRecord, Ledger } from './ledger.ts'
import type { ChaosRequest } from './requests.ts'
import { Slots } from './slots.ts'

/** Between two tries of the same call, in milliseconds: doubles from the first to the second. */
const PAUSE_MS = [100, 1000] as const

/** How long one question for the end of a job is held open by the api, and how long its answer may take beyond that. */
const WAIT_MS = 10_000
const ANSWER_MS = 3000
/** How many jobs are watched at once. It leaves room for requests that enqueue however many jobs wait for their end. */
const WATCHED_AT_ONCE = 256
/** A page of a list is more to read than one job. */
const LIST_MS = 10_000

/** A job that has ended is looked at once more after so long, while it is certainly still kept. */
const LOOK_AGAIN_MS = 20_000
const LOOKS_AT_ONCE = 16

export interface DriverOptions {
  caller: Caller
  ledger: Ledger
  /** Ends everything at once. */
  signal: AbortSignal
  /** Told of a mistake of ours. */
  onBroken(error: unknown): void
}

/** Sends jobs and watches each to its end, as a service does that has to know: it asks until it gets an answer. */
export class Driver {
  /** How often each answer to an enqueue came: a status and, of an error, its code; `none` for no answer. */
  readonly answers = new Map<string, number>()
  readonly #options: DriverOptions
  readonly #stopped = new AbortController()
  readonly #signal: AbortSignal
  readonly #tasks = new Set<Promise<void>>()
  readonly #watches = new Slots(WATCHED_AT_ONCE)
  #sending = 0

  constructor(options: DriverOptions) {
    this.#options = options
    this.#signal = AbortSignal.any([options.signal, this.#stopped.signal])
  }

  /** How many requests were sent that are not accepted yet. */
  get sending(): number {
    return this.#sending
  }

  /** Sends a request, always under the same idempotency key, until it is accepted. Then watches its job. */
  send(request: ChaosRequest): void {
    this.#run(async () => {
      this.#sending++
      const job = await this.#enqueue(request).finally(() => this.#sending--)
      const record = this.#options.ledger.accept(request, job)
      this.#run(() => this.#watch(record))
      const { cancelAfterMs } = request
      if (cancelAfterMs !== undefined) this.#run(() => this.#cancel(record, cancelAfterMs))
    })
  }

  /** Sends and watches nothing more. */
  async stop(): Promise<void> {
    this.#stopped.abort()
    while (this.#tasks.size > 0) await Promise.all(this.#tasks)
  }

  /** Looks once more at every accepted job, and then at all that the api lists. Works after `stop`. */
  async lookAtAll(signal: AbortSignal): Promise<void> {
    const left = [...this.#options.ledger.records]
    const lookOn = async (): Promise<void> => {
      for (let record = left.pop(); record !== undefined; record = left.pop()) await this.#look(record, signal)
    }
    await Promise.all(Array.from({ length: LOOKS_AT_ONCE }, lookOn))
    for (let cursor: string | null = ''; cursor !== null; ) {
      const path = `/v1/jobs?limit=200${cursor && `&cursor=${cursor}`}`
      await this.#until(signal, path, { timeoutMs: LIST_MS }, ({ status, body }) => {
        if (status !== 200) return false
        const page = body as { items: Job[]; nextCursor: string | null }
        for (const { id, labels } of page.items) this.#options.ledger.meet(Number(labels.request), id)
        cursor = page.nextCursor
        return true
      })
    }
  }

  async #enqueue({ body }: ChaosRequest): Promise<Job> {
    let accepted: Job | undefined
    await this.#until(this.#signal, '/v1/jobs', { method: 'POST', body }, (answer) => {
      const name = nameOf(answer)
      this.answers.set(name, (this.answers.get(name) ?? 0) + 1)
      if (answer.status === 200 || answer.status === 202) accepted = answer.body as Job
      return accepted !== undefined
    })
    return accepted as unknown as Job
  }

  async #watch(record: JobRecord): Promise<void> {
    const path = `/v1/jobs/${record.id}/wait?timeoutMs=${WAIT_MS}`
    const hasEnded = (answer: Answer): boolean => {
      this.#see(record, answer)
      return record.sightings.length > 0
    }
    const timeoutMs = WAIT_MS + ANSWER_MS
    await this.#watches.run(() => this.#until(this.#signal, path, { timeoutMs }, hasEnded))
    await sleep(LOOK_AGAIN_MS, undefined, { signal: this.#signal })
    await this.#look(record, this.#signal)
  }

  async #cancel({ id }: JobRecord, afterMs: number): Promise<void> {
    await sleep(afterMs, undefined, { signal: this.#signal })
    // 404: it ended long ago. 409: it has ended.
    const told = [200, 404, 409]
    await this.#until(this.#signal, `/v1/jobs/${id}/cancel`, { method: 'POST' }, ({ status }) => told.includes(status))
  }

  async #look(record: JobRecord, signal: AbortSignal): Promise<void> {
    await this.#until(signal, `/v1/jobs/${record.id}`, {}, (answer) => this.#see(record, answer))
  }

  /** @returns whether that was an answer. */
  #see(record: JobRecord, { status, body }: Answer): boolean {
    const { ledger } = this.#options
    if (status === 404) ledger.miss(record)
    else if (status === 200 || status === 202) ledger.see(record, body as Job)
    else return false
    return true
  }

  /** Calls again and again until `isDone`. @throws the signal's reason. */
  async #until(
    signal: AbortSignal,
    path: string,
    call: Omit<Call, 'signal'>,
    isDone: (answer: Answer) => boolean,
  ): Promise<void> {
    for (let pauseMs: number = PAUSE_MS[0]; ; pauseMs = Math.min(2 * pauseMs, PAUSE_MS[1])) {
      signal.throwIfAborted()
      const answer = await this.#options.caller.call(path, { ...call, signal })
      if (isDone(answer)) return
      // The api is well: it has only nothing new to say.
      if (answer.status === 202) pauseMs = PAUSE_MS[0]
      await sleep(pauseMs, undefined, { signal })
    }
  }

  /** What fails because everything was told to end has not failed. */
  #run(task: () => Promise<void>): void {
    const running = task()
      .catch((error) => {
        if (!this.#signal.aborted) this.#options.onBroken(error)
      })
      .finally(() => this.#tasks.delete(running))
    this.#tasks.add(running)
  }
}

function nameOf({ status, body }: Answer): string {
  if (status === 0) return 'none'
  const { code } = body as { code?: string }
  return code === undefined ? String(status) : `${status} ${code}`
}
