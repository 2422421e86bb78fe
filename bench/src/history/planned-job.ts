import { ERROR_KINDS, type JobFailure } from '@foliot/jobs'
import { type Random, seededRandom } from '../chaos/random.ts'
import { CUSTOMERS, type FailureOfKind, KINDS, type Kind, REGIONS, TENANTS, WORKERS } from './catalogue.ts'

/** What a job is and how it ends, before anybody has made it. */
export interface PlannedJob {
  /** Which one it is; its input and its label `order` tell. */
  readonly number: number
  readonly type: string
  readonly queue: string
  readonly tenant: string
  readonly labels: { readonly customer: string; readonly region: string; readonly order: string }
  /** About 300 bytes as JSON. */
  readonly input: { readonly orderId: number; readonly [field: string]: unknown }
  readonly status: EndStatus
  /** Of one that failed or timed out. */
  readonly failure: JobFailure | undefined
  /** Of one that succeeded: small JSON. */
  readonly output: unknown
  /** Lines of its log, as `ctx.log` writes them. Most jobs have none. */
  readonly log: readonly string[]
  readonly worker: string
  /** How long its last attempt takes, in milliseconds. */
  readonly durationMs: number
  /** How often it is started. More than once: all but the last attempt fail. */
  readonly attempts: number
}

export type EndStatus = 'succeeded' | 'failed' | 'timed_out' | 'cancelled'

/** How jobs end, in percent. */
export const ENDS: readonly { readonly status: EndStatus; readonly weight: number }[] = [
  { status: 'succeeded', weight: 94 },
  { status: 'failed', weight: 4 },
  { status: 'timed_out', weight: 1 },
  { status: 'cancelled', weight: 1 },
]

export const MAX_ATTEMPTS = 3

/** How many jobs write to their log. */
const LOG_SHARE = 0.2
/** How many jobs that succeed needed a second attempt. */
const RETRIED_SHARE = 0.03
/** Of the logarithm of durations. */
const DURATION_SIGMA = 1
const TIMEOUT_MS = 60_000
/** Of the length of an input; the rest of it is of about as many bytes. */
const NOTE_LENGTH = 90

/** The job of this number. It follows from the seed and the number alone, so that other processes know it as well. */
export function planJob(seed: number, number: number): PlannedJob {
  const random = seededRandom(seed, `job ${number}`)
  const kind = random.pick(KINDS)
  const { status } = random.pick(ENDS)
  const customer = `c-${String(customerOf(random)).padStart(4, '0')}`
  const { name: region } = random.pick(REGIONS)
  return {
    number,
    type: kind.type,
    queue: kind.queue,
    tenant: random.pick(TENANTS).name,
    labels: { customer, region, order: `o-${number}` },
    input: inputOf(random, number, customer),
    status,
    failure: failureOf(status, random.pick(kind.failures), kind),
    output: status === 'succeeded' ? { ok: true, reference: `r-${random.between(1, 1_000_000_000)}` } : null,
    log: random.next() < LOG_SHARE ? logOf(random, kind) : [],
    worker: WORKERS[random.between(0, WORKERS.length - 1)] as string,
    durationMs: status === 'timed_out' ? TIMEOUT_MS : durationOf(random, kind),
    attempts: attemptsOf(status, random.next()),
  }
}

/** Few customers order much. */
const customerOf = (random: Random): number => Math.floor(CUSTOMERS * random.next() ** 2) + 1

function inputOf(random: Random, orderId: number, customer: string): PlannedJob['input'] {
  const items = Array.from({ length: random.between(1, 4) }, () => ({
    sku: `sku-${random.between(1, 5000)}`,
    quantity: random.between(1, 9),
  }))
  const words = Array.from({ length: 40 }, () => random.pick(NOTE_WORDS).name).join(' ')
  return {
    orderId,
    customer,
    currency: 'EUR',
    cents: random.between(100, 500_000),
    express: random.next() < 0.1,
    items,
    note: words.slice(0, NOTE_LENGTH),
  }
}

const NOTE_WORDS = ['please', 'leave', 'the', 'parcel', 'with', 'neighbour', 'ring', 'twice', 'gift', 'fragile'].map(
  (name) => ({ name, weight: 1 }),
)

function failureOf(status: EndStatus, failure: FailureOfKind, { type }: Kind): JobFailure | undefined {
  const { name, kind, message, fingerprint } = failure
  if (status === 'failed') return { name, kind, message, fingerprint, stack: stackOf(type, name, message) }
  if (status !== 'timed_out') return undefined
  return {
    name: 'TimeoutError',
    kind: ERROR_KINDS.timeout,
    message: `the attempt took longer than its timeout, ${TIMEOUT_MS} ms`,
    fingerprint: `timeout-${type}`,
  }
}

const stackOf = (type: string, name: string, message: string): string =>
  [`${name}: ${message}`, ...[12, 48, 77].map((line) => `    at run (handlers/${type}.js:${line}:7)`)].join('\n')

function logOf(random: Random, { type }: Kind): string[] {
  return Array.from({ length: random.between(2, 8) }, (_, i) =>
    JSON.stringify({
      level: random.next() < 0.9 ? 'info' : 'warn',
      msg: `step ${i + 1} of ${type}: ${random.pick(LOG_WORDS).name}`,
      batch: random.between(1, 100_000),
    }),
  )
}

/** The last ones are seldom logged. */
const LOG_WORDS = ['fetched', 'checked', 'sent', 'stored', 'skipped', 'throttled', 'quarantined'].map((name, rank) => ({
  name,
  weight: 1 / (rank + 1) ** 2,
}))

/** Log-normal, as such times are: many short ones, and a long tail. */
function durationOf(random: Random, { medianMs }: Kind): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
  return Math.min(Math.round(medianMs * Math.exp(DURATION_SIGMA * normal)), TIMEOUT_MS - 1)
}

function attemptsOf(status: EndStatus, drawn: number): number {
  // Half of those that fail were not worth another try.
  if (status === 'failed') return drawn < 0.5 ? 1 : MAX_ATTEMPTS
  return status === 'succeeded' && drawn < RETRIED_SHARE ? 2 : 1
}
