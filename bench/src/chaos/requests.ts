import type { JobStatus } from '@foliot/jobs'
import type { Random } from './random.ts'

/** A job to send, and what is known of its end. */
export interface ChaosRequest {
  /** From 1. */
  n: number
  /** What the job does, as in “a job that …”: `echoes`, `is cancelled while it runs`. */
  kind: string
  /** As it goes to `POST /v1/jobs`. */
  body: {
    type: string
    input: unknown
    idempotencyKey: string
    labels: Record<string, string>
    attempts: number
    delayMs?: number
    priority?: number
    timeoutMs?: number
  }
  /** So long after it was accepted, its cancellation is asked for. */
  cancelAfterMs?: number
  /** How it may end, apart from a dead letter of the kind `crashed`. */
  mayEnd: readonly JobStatus[]
}

interface Kind {
  kind: string
  weight: number
  mayEnd: readonly JobStatus[]
  type: string
  input(random: Random): object
  /** Default: more than the deaths of workers use up, of which the third ends a job. */
  attempts?: number
  more?(random: Random): Partial<Pick<ChaosRequest['body'], 'delayMs' | 'priority' | 'timeoutMs'>>
  cancelAfterMs?(random: Random): number
}

const ATTEMPTS = 12
const SUCCEEDS = ['succeeded'] as const
const MAY_BE_CANCELLED = ['cancelled', 'succeeded'] as const

/** Weights are shares of a thousand. At 50 jobs a second one that kills its worker comes about every 13 s. */
function kinds(sink: string): Kind[] {
  const echo = { type: 'demo.echo', input: (random: Random) => ({ drawn: random.next() }) }
  return [
    { kind: 'echoes', weight: 250, mayEnd: SUCCEEDS, ...echo },
    {
      kind: 'sleeps',
      weight: 150,
      mayEnd: SUCCEEDS,
      type: 'demo.sleep',
      input: (random) => ({ ms: random.between(50, 2500) }),
    },
    {
      kind: 'has effects',
      weight: 220,
      mayEnd: SUCCEEDS,
      type: 'chaos.effect',
      input: (random) => ({ sink, steps: random.between(1, 4), stepMs: random.between(10, 500) }),
    },
    {
      kind: 'fails, then succeeds',
      weight: 60,
      mayEnd: SUCCEEDS,
      type: 'demo.fail',
      input: (random) => ({ times: random.between(1, 2) }),
    },
    {
      kind: 'fails for good',
      weight: 50,
      mayEnd: ['failed'],
      type: 'demo.fail',
      input: () => ({ times: 1000 }),
      attempts: 2,
    },
    {
      kind: 'fails at once',
      weight: 20,
      mayEnd: ['failed'],
      type: 'demo.fail',
      input: () => ({ times: 1000, unrecoverable: true }),
    },
    {
      kind: 'times out',
      weight: 40,
      mayEnd: ['timed_out'],
      type: 'demo.sleep',
      input: () => ({ ms: 3_600_000 }),
      attempts: 2,
      more: (random) => ({ timeoutMs: random.between(200, 1500) }),
    },
    {
      kind: 'is cancelled while it waits',
      weight: 40,
      mayEnd: MAY_BE_CANCELLED,
      ...echo,
      more: () => ({ delayMs: 10_000 }),
      cancelAfterMs: (random) => random.between(0, 3000),
    },
    {
      kind: 'is cancelled while it runs',
      weight: 25,
      mayEnd: MAY_BE_CANCELLED,
      type: 'demo.sleep',
      input: () => ({ ms: 10_000 }),
      cancelAfterMs: (random) => random.between(200, 3000),
    },
    {
      kind: 'is delayed',
      weight: 60,
      mayEnd: SUCCEEDS,
      ...echo,
      more: (random) => ({ delayMs: random.between(100, 8000) }),
    },
    {
      kind: 'has a priority',
      weight: 50,
      mayEnd: SUCCEEDS,
      ...echo,
      more: (random) => ({ priority: random.between(1, 100) }),
    },
    {
      kind: 'snoozes',
      weight: 40,
      mayEnd: SUCCEEDS,
      type: 'chaos.snooze',
      input: (random) => ({ times: random.between(1, 3), ms: random.between(100, 2000) }),
    },
    {
      kind: 'tells its progress',
      weight: 15,
      mayEnd: SUCCEEDS,
      type: 'demo.progress',
      input: (random) => ({ steps: random.between(2, 6), stepMs: 100 }),
    },
    {
      kind: 'writes a log',
      weight: 15,
      mayEnd: SUCCEEDS,
      type: 'demo.log',
      input: (random) => ({ lines: random.between(1, 100) }),
    },
    { kind: 'crashes its worker once', weight: 1.5, mayEnd: SUCCEEDS, type: 'demo.crash', input: () => ({ times: 1 }) },
    {
      kind: 'blocks its worker',
      weight: 1.5,
      mayEnd: SUCCEEDS,
      type: 'demo.spin',
      input: (random) => ({ ms: random.between(1000, 6000) }),
    },
  ]
}

export interface RequestOptions {
  random: Random
  seed: number
  /** Where effects go, which is all of a request that does not follow from the seed. */
  sink: string
}

/** Makes one request after the other, without an end. */
export function* chaosRequests({ random, seed, sink }: RequestOptions): Generator<ChaosRequest, never> {
  const all = kinds(sink)
  for (let n = 1; ; n++) {
    const { kind, type, input, attempts = ATTEMPTS, more, cancelAfterMs, mayEnd } = random.pick(all)
    const given = input(random)
    yield {
      n,
      kind,
      body: {
        type,
        input: type === 'chaos.effect' ? { ...given, request: n } : given,
        idempotencyKey: `chaos-${seed}-${n}`,
        labels: { request: String(n) },
        attempts,
        ...more?.(random),
      },
      ...(cancelAfterMs && { cancelAfterMs: cancelAfterMs(random) }),
      mayEnd,
    }
  }
}
