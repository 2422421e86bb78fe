/** What an installation of middling size runs: the kinds of jobs, where they wait, for whom they are and how they fail. */

/** A kind of jobs. The first is the most frequent one, by Zipf's law. */
export interface Kind {
  readonly type: string
  readonly queue: string
  /** Median of how long an attempt takes, in milliseconds. */
  readonly medianMs: number
  /** Zipf's: 1, 1/2, 1/3, … */
  readonly weight: number
  /** How its jobs fail, the most frequent way first. */
  readonly failures: readonly FailureOfKind[]
}

/** Jobs that fail in this way are alike: they have this fingerprint. */
export interface FailureOfKind {
  readonly name: string
  readonly kind: string
  readonly message: string
  readonly fingerprint: string
  readonly weight: number
}

const TYPES: readonly [type: string, queue: string, medianMs: number][] = [
  ['mail.send', 'mail', 180],
  ['webhook.deliver', 'webhooks', 250],
  ['payment.capture', 'payments', 420],
  ['search.index', 'data', 60],
  ['mail.digest', 'mail', 350],
  ['invoice.render', 'documents', 900],
  ['order.confirm', 'orders', 40],
  ['stock.reserve', 'orders', 25],
  ['webhook.retry', 'webhooks', 260],
  ['customer.sync', 'data', 500],
  ['payment.refund', 'payments', 480],
  ['label.print', 'documents', 700],
  ['order.archive', 'orders', 30],
  ['image.resize', 'documents', 1200],
  ['report.build', 'data', 8000],
  ['payment.settle', 'payments', 2000],
  ['mail.bounce', 'mail', 50],
  ['feed.import', 'data', 15_000],
  ['document.sign', 'documents', 1500],
  ['webhook.probe', 'webhooks', 90],
]

const FAILURES: readonly Omit<FailureOfKind, 'fingerprint' | 'weight'>[] = [
  { name: 'ConnectionError', kind: 'connection', message: 'connect ECONNREFUSED 10.0.3.17:443' },
  { name: 'DeclinedError', kind: 'declined', message: 'the card was declined by its issuer' },
  { name: 'TypeError', kind: 'error', message: "Cannot read properties of undefined (reading 'address')" },
  { name: 'HttpError', kind: 'upstream', message: 'expected status 2xx, got 503 Service Unavailable' },
  { name: 'LimitError', kind: 'rate_limited', message: 'too many requests; retry after 30 seconds' },
  { name: 'NotFoundError', kind: 'not_found', message: 'the customer has been removed meanwhile' },
  { name: 'ParseError', kind: 'unrecoverable', message: 'unexpected token in line 1 of the template' },
]

/** Shares of the two ways in which a kind of jobs fails. */
const FAILURE_WEIGHTS = [4, 1]

export const KINDS: readonly Kind[] = TYPES.map(([type, queue, medianMs], rank) => ({
  type,
  queue,
  medianMs,
  weight: 1 / (rank + 1),
  failures: FAILURE_WEIGHTS.map((weight, way) => {
    const failure = FAILURES[(rank + 3 * way) % FAILURES.length] as (typeof FAILURES)[number]
    return { ...failure, fingerprint: `${failure.kind}-${hexOf(rank)}${hexOf(way)}f00dcafe`, weight }
  }),
}))

export const QUEUES: readonly string[] = [...new Set(KINDS.map(({ queue }) => queue))]

/** A name, and how often it comes. */
export interface Weighted {
  readonly name: string
  readonly weight: number
}

const weighted = (weights: Readonly<Record<string, number>>): Weighted[] =>
  Object.entries(weights).map(([name, weight]) => ({ name, weight }))

export const TENANTS = weighted({ acme: 60, globex: 20, initech: 12, umbrella: 6, hooli: 2 })

export const REGIONS = weighted({ 'eu-west': 45, 'us-east': 30, 'ap-south': 15, 'sa-east': 7, 'af-south': 3 })

export const WORKERS: readonly string[] = Array.from({ length: 8 }, (_, i) => `worker-${i + 1}`)

/** How many customers there are; those with low numbers order more often. */
export const CUSTOMERS = 2000

function hexOf(number: number): string {
  return number.toString(16).padStart(4, '0')
}
