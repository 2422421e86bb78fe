/** POSTs jobs to the api at given times, over connections that are kept. */
import { monotonicMs } from '../monotonic.ts'
import { onErrand } from '../on-errand.ts'
import { type Pace, paced } from '../paced.ts'
import { keepAlivePost } from './keep-alive-post.ts'

export interface PacedLoadTask extends Pace {
  apiUrl: string
  key: string
}

const CONNECTIONS = 4

onErrand<PacedLoadTask, object>(async ({ apiUrl, key, ...pace }) => {
  const post = keepAlivePost(`${apiUrl}/v1/jobs`, { key, connections: CONNECTIONS, expect: 202 })
  await paced(pace, (measured) => {
    return post(JSON.stringify({ type: 'bench.stamp', input: { sentMs: monotonicMs(), measured } }))
  })
  return {}
})
