import { setTimeout as sleep } from 'node:timers/promises'
import type { ChaosRequest } from './requests.ts'

export interface LoadOptions {
  requests: Iterator<ChaosRequest, never>
  perSecond: number
  durationMs: number
  /** Called for each request at its time, whether or not earlier ones were answered. */
  send(request: ChaosRequest): void
  signal: AbortSignal
}

/** Sends at a steady rate. What is late, because the machine was busy, is made up for. Rejects when `signal` aborts. */
export async function steadyLoad({ requests, perSecond, durationMs, send, signal }: LoadOptions): Promise<void> {
  const startedAt = performance.now()
  const total = Math.floor((durationMs / 1000) * perSecond)
  for (let sent = 0; sent < total; sent++) {
    const waitMs = startedAt + (sent * 1000) / perSecond - performance.now()
    if (waitMs > 0) await sleep(waitMs, undefined, { signal })
    send(requests.next().value)
  }
}
