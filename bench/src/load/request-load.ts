/** autocannon in a process of its own: a fixed number of POSTs over a fixed number of connections. */
import autocannon from 'autocannon'
import { onErrand } from '../on-errand.ts'
import { INPUT, LABELS, TYPE } from '../sample.ts'
import { percentile } from '../statistics.ts'

export interface RequestLoadTask {
  /** Of the route. */
  url: string
  headers: Record<string, string>
  connections: number
  /** Requests before those that are timed. */
  warmUp: number
  requests: number
}

export interface RequestLoadAnswer {
  /** For the timed requests, from the first one sent to the last one answered. */
  seconds: number
  p50Ms: number
  p99Ms: number
}

const BODY = JSON.stringify({ type: TYPE, input: INPUT, labels: LABELS })

onErrand<RequestLoadTask, RequestLoadAnswer>(async ({ warmUp, requests, ...target }) => {
  await fire(target, warmUp)
  const { seconds, times } = await fire(target, requests)
  return { seconds, p50Ms: percentile(times, 50), p99Ms: percentile(times, 99) }
})

type Target = Omit<RequestLoadTask, 'warmUp' | 'requests'>

function fire({ url, headers, connections }: Target, amount: number): Promise<{ seconds: number; times: number[] }> {
  return new Promise((resolve, reject) => {
    const times: number[] = []
    const startedAt = performance.now()
    let endedAt = startedAt
    const options = {
      url,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: BODY,
      connections,
      amount,
      sampleInt: 100,
    } as const
    const run = autocannon(options, (error, result) => {
      if (error) return reject(error)
      if (result['2xx'] !== amount || result.errors > 0) {
        return reject(new Error(`expected ${amount} answers 2xx from ${url}, got ${result['2xx']}`))
      }
      resolve({ seconds: (endedAt - startedAt) / 1000, times })
    })
    // Its own histogram holds whole milliseconds alone, and its own duration whole sampling intervals.
    run.on('response', (_client, _status, _bytes, ms) => {
      times.push(ms)
      endedAt = performance.now()
    })
  })
}
