import type { TimelineEntry } from '@foliot/jobs'
import type { Hit } from './storm.ts'

/** From the kill of a worker to the next start of a job that ran in it, in ms since 1970. */
export interface Recovery {
  from: number
  until: number
}

/** `by worker <host>-<pid>-<random>` */
const WORKER_PID = /^by worker .*-(\d+)-[^-]+$/

/** One for each time that a job ran in a process that was killed. A job that was dead by that has none. */
export function recoveriesOf(timeline: readonly TimelineEntry[], hits: readonly Hit[]): Recovery[] {
  const starts = new Map(timeline.flatMap((entry) => (entry.event === 'started' ? [[entry.attempt, entry]] : [])))
  return timeline.flatMap(({ event, attempt = 0 }) => {
    const start = starts.get(attempt)
    const next = starts.get(attempt + 1)
    if (event !== 'worker_lost' || start === undefined || next === undefined) return []
    const pid = Number(WORKER_PID.exec(start.detail ?? '')?.[1])
    const [started, until] = [Date.parse(start.at), Date.parse(next.at)]
    // A process may also have lost the job before it was killed: while it was frozen.
    const kill = hits.find((hit) => hit.kind === 'kill' && hit.pid === pid && hit.at >= started && hit.at <= until)
    return kill === undefined ? [] : [{ from: kill.at, until }]
  })
}

/** How long after Redis goes on, or is started again, work may still be held up by what was done to it. */
const AFTERMATH_MS = 3000

/** Whether nothing was done to Redis meanwhile, nor shortly before. */
export function wasUndisturbed({ from, until }: Recovery, hits: readonly Hit[]): boolean {
  return !hits.some(({ member, at, forMs }) => member === 'redis' && at <= until && at + forMs + AFTERMATH_MS >= from)
}
