/** POSTs batches of jobs to the api, several in flight. The body is made once. */
import { inFlight } from '../in-flight.ts'
import { onErrand } from '../on-errand.ts'
import { INPUT, TYPE } from '../sample.ts'
import { keepAlivePost } from './keep-alive-post.ts'

export interface BatchLoadTask {
  apiUrl: string
  key: string
  batchSize: number
  /** Batches before those that are timed. */
  warmUp: number
  batches: number
  inFlight: number
  /** What each job is. Default: the sample. */
  job?: object
}

export interface BatchLoadAnswer {
  /** For the timed batches. */
  seconds: number
}

const SAMPLE = { type: TYPE, input: INPUT }

onErrand<BatchLoadTask, BatchLoadAnswer>(async (task) => {
  const { apiUrl, key, batchSize, warmUp, batches, inFlight: width, job = SAMPLE } = task
  const jobs = Array.from({ length: batchSize }, () => job)
  const body = Buffer.from(JSON.stringify({ jobs }))
  const post = keepAlivePost(`${apiUrl}/v1/jobs/batch`, { key, connections: width, expect: 207 })
  await inFlight(warmUp, width, () => post(body))
  const startedAt = performance.now()
  await inFlight(batches, width, () => post(body))
  return { seconds: (performance.now() - startedAt) / 1000 }
})
