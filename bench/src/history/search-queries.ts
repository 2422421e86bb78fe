import type { FinishedJob, HistoryFilter } from '@foliot/history'
import type { Random } from '../chaos/random.ts'
import type { Archive } from './archive.ts'
import { KINDS, QUEUES, REGIONS, TENANTS, WORKERS } from './catalogue.ts'
import { ENDS, type PlannedJob } from './planned-job.ts'

/** One way to look for jobs. */
export interface SearchQuery {
  readonly name: string
  /** `rare`: it fits few jobs or none. */
  readonly group: 'one filter' | 'a pair' | 'rare'
  /** Another one of its sort at each call. */
  filter(): HistoryFilter
  /** How many jobs fit each of them, if that is known. */
  readonly fits?: number
}

const HOUR_MS = 60 * 60 * 1000

/** Every filter by itself, six pairs of them, and what is rare. */
export function searchQueries(archive: Archive, random: Random): SearchQuery[] {
  const one = <T>(list: readonly T[]): T => list[random.between(0, list.length - 1)] as T
  const job = (): FinishedJob => archive.jobAt(archive.draw(random))
  const failed = (): FinishedJob => {
    for (;;) {
      const found = job()
      if (found.job.error) return found
    }
  }
  const label = (key: keyof PlannedJob['labels'], value: string): HistoryFilter => ({ labels: [{ key, value }] })
  const span = (ms: number): HistoryFilter => {
    const from = Date.parse(job().job.createdAt)
    return { from, to: from + ms }
  }
  const slowerThan = ({ attempts }: FinishedJob): HistoryFilter => ({ minDurationMs: durationOf(attempts) })
  const likeIt = ({ job: { error } }: FinishedJob): HistoryFilter => ({ fingerprint: error?.fingerprint ?? '' })

  const filters: Record<string, () => HistoryFilter> = {
    status: () => ({ statuses: [one(ENDS).status] }),
    type: () => ({ type: one(KINDS).type }),
    queue: () => ({ queues: [one(QUEUES)] }),
    'label, region': () => label('region', one(REGIONS).name),
    'label, customer': () => label('customer', job().job.labels.customer ?? ''),
    errorKind: () => ({ errorKind: failed().job.error?.kind ?? '' }),
    fingerprint: () => likeIt(failed()),
    worker: () => ({ worker: one(WORKERS) }),
    tenant: () => ({ tenant: one(TENANTS).name }),
    'from, to: an hour': () => span(HOUR_MS),
    'from, to: a day': () => span(24 * HOUR_MS),
    minDurationMs: () => slowerThan(job()),
    'minDurationMs, maxDurationMs': () => {
      const ms = durationOf(job().attempts)
      return { minDurationMs: ms, maxDurationMs: 2 * ms }
    },
    'q, of errors': () => ({ q: one(ERROR_WORDS) }),
    'q, of logs': () => ({ q: one(LOG_WORDS) }),
    'input.express': () => ({ input: [{ path: ['express'], value: 'true' }] }),
  }
  const pairs: Record<string, () => HistoryFilter> = {
    'type, status': () => ({ type: one(KINDS).type, statuses: ['failed'] }),
    'queue, errorKind': () => {
      const { queue, error } = failed().job
      return { queues: [queue], errorKind: error?.kind ?? '' }
    },
    'customer, from–to': () => ({ ...label('customer', job().job.labels.customer ?? ''), ...span(24 * HOUR_MS) }),
    'fingerprint, worker': () => ({ ...likeIt(failed()), worker: one(WORKERS) }),
    'q, type': () => ({ q: one(ERROR_WORDS), type: one(KINDS).type }),
    'status, minDurationMs': () => ({ statuses: ['cancelled'], ...slowerThan(job()) }),
  }
  const { first } = archive.options
  const rare: Record<string, [filter: () => HistoryFilter, fits: number]> = {
    'input.orderId': [() => ({ input: [{ path: ['orderId'], value: String(archive.draw(random)) }] }), 1],
    'label, order': [() => label('order', `o-${archive.draw(random)}`), 1],
    'one of the oldest': [() => label('order', `o-${first + random.between(0, 9)}`), 1],
    'no such type': [() => ({ type: 'mail.frank' }), 0],
    'no such word': [() => ({ q: 'unheardof' }), 0],
    'succeeded, errorKind': [() => ({ statuses: ['succeeded'], errorKind: failed().job.error?.kind ?? '' }), 0],
    'type, another queue': [() => ({ type: 'mail.send', queues: ['data'] }), 0],
    'region, other worker': [() => ({ ...label('region', one(REGIONS).name), worker: 'worker-9' }), 0],
  }
  return [
    ...Object.entries(filters).map(([name, filter]) => ({ name, group: 'one filter' as const, filter })),
    ...Object.entries(pairs).map(([name, filter]) => ({ name, group: 'a pair' as const, filter })),
    ...Object.entries(rare).map(([name, [filter, fits]]) => ({ name, group: 'rare' as const, filter, fits })),
  ]
}

const ERROR_WORDS = ['ECONNREFUSED', 'declined', 'address', '503', 'retry', 'removed', 'template', 'timeout']
const LOG_WORDS = ['fetched', 'stored', 'throttled', 'quarantined']

const durationOf = (attempts: FinishedJob['attempts']): number => {
  const last = attempts.at(-1)
  return last === undefined ? 0 : last.endedAt - last.startedAt
}

/** The query string of `GET /v1/jobs` that asks for the same. Undefined where the api has no such filter. */
export function toQueryString(filter: HistoryFilter, limit: number): string | undefined {
  const { statuses, queues, type, labels, errorKind, fingerprint, worker, q, input, ...rest } = filter
  const { from, to, minDurationMs, maxDurationMs, ...unknown } = rest
  if (Object.keys(unknown).length > 0 || (queues?.length ?? 0) > 1 || (labels?.length ?? 0) > 1) return undefined
  const isoOf = (ms: number | undefined): string | undefined => (ms === undefined ? ms : new Date(ms).toISOString())
  const wanted: Record<string, string | number | undefined> = {
    limit,
    status: statuses?.join(','),
    queue: queues?.[0],
    type,
    label: labels?.[0] && `${labels[0].key}:${labels[0].value}`,
    errorKind,
    fingerprint,
    worker,
    q,
    from: isoOf(from),
    to: isoOf(to),
    minDurationMs,
    maxDurationMs,
    ...Object.fromEntries((input ?? []).map(({ path, value }) => [`input.${path.join('.')}`, value])),
  }
  const given = Object.entries(wanted).flatMap(([name, value]) => (value === undefined ? [] : { name, value }))
  return new URLSearchParams(Object.fromEntries(given.map(({ name, value }) => [name, String(value)]))).toString()
}
