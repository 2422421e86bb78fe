import { setTimeout as sleep } from 'node:timers/promises'

/** What the trial needs of a job. */
export interface TrialJob {
  id: string
  status: string
  timeline: { event: string; detail?: string }[]
}

/** The REST API of the trial's containers. */
export interface TrialApi {
  /** @param key left out of the request if it is undefined */
  status(path: string, key: string | undefined): Promise<number>
  /** The hosts of the workers that are alive, which are the beginnings of their containers' ids. */
  workerHosts(): Promise<string[]>
  enqueue(type: string, input: unknown): Promise<TrialJob>
  /** Makes a schedule for every second. */
  schedule(id: string): Promise<unknown>
  jobsOf(scheduleId: string): Promise<TrialJob[]>
  /** The job once it has ended, or as it is after a minute. */
  ended(id: string): Promise<TrialJob>
  job(id: string): Promise<TrialJob>
}

export function trialApi(url: string, key: string): TrialApi {
  const call = async <T>(path: string, body?: unknown, method = 'POST'): Promise<T> => {
    const init = body === undefined ? {} : { method, body: JSON.stringify(body) }
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
    const response = await fetch(`${url}${path}`, { ...init, headers })
    if (!response.ok) throw new Error(`expected ${path} to succeed, got ${response.status}: ${await response.text()}`)
    return (await response.json()) as T
  }
  return {
    status: async (path, given) => {
      const response = await fetch(
        `${url}${path}`,
        given === undefined ? {} : { headers: { authorization: `Bearer ${given}` } },
      )
      await response.arrayBuffer()
      return response.status
    },
    workerHosts: async () => (await call<{ items: { host: string }[] }>('/v1/workers')).items.map(({ host }) => host),
    enqueue: (type, input) => call('/v1/jobs', { type, input }),
    schedule: (id) => call(`/v1/schedules/${id}`, { type: 'demo.echo', input: null, everyMs: 1000 }, 'PUT'),
    jobsOf: async (id) => (await call<{ items: TrialJob[] }>(`/v1/jobs?scheduleId=${id}`)).items,
    ended: (id) => call(`/v1/jobs/${id}/wait?timeoutMs=60000`),
    job: (id) => call(`/v1/jobs/${id}`),
  }
}

/** The hosts of the workers that have started a job, in that order. */
export const startedBy = ({ timeline }: TrialJob): string[] =>
  timeline.flatMap(({ event, detail }) => (event === 'started' ? [detail?.match(/^by worker (\w+)-/)?.[1] ?? '?'] : []))

/** Asks four times a second until the answer is yes. @throws Error after `withinMs`, with the last error as its cause. */
export async function until(what: string, check: () => Promise<boolean>, withinMs = 60_000): Promise<void> {
  const giveUpAt = Date.now() + withinMs
  let cause: unknown
  while (Date.now() < giveUpAt) {
    try {
      if (await check()) return
    } catch (error) {
      cause = error
    }
    await sleep(250)
  }
  throw new Error(`expected ${what} within ${withinMs} ms`, { cause })
}
