import { afterEach, describe, expect, it } from 'vitest'
import { httpMetrics } from './http-metrics.ts'
import { jobMetrics } from './job-metrics.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { METRICS } from './names.ts'
import { type QueuesReading, queueMetrics } from './queue-metrics.ts'
import { type OutboxesReading, outboxMetrics, recorderMetrics } from './recorder-metrics.ts'
import { schedulerMetrics, watchMetrics } from './scheduler-metrics.ts'

const warnings: unknown[] = []
const log = { warn: (...line: unknown[]) => void warnings.push(line) }
const started: Metrics[] = []

function start(): Metrics {
  const metrics = createMetrics({ app: 'worker', log })
  started.push(metrics)
  return metrics
}

afterEach(async () => {
  warnings.length = 0
  await Promise.all(started.splice(0).map((metrics) => metrics.shutdown()))
})

/** The samples of a scrape: `name{labels}` to value. */
function samplesOf(text: string): Record<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]))
}

const OUTBOXES: OutboxesReading = {
  redisBytes: 5,
  auditEntries: 3,
  outboxes: [{ queue: 'email', jobs: 1, oldestAgeSeconds: 2 }],
}

const READING: QueuesReading = {
  workers: 2,
  queues: [{ queue: 'email', depth: { queued: 3, running: 0 }, oldestAgeSeconds: 1.5, deadLetters: 4 }],
}

describe('the metrics of a process', () => {
  it('are exposed under exactly the names that others depend on', async () => {
    const { meter, text } = start()
    jobMetrics(meter).finished('email', 'mail.send', 'succeeded', 0.1)
    jobMetrics(meter).waited('email', 'mail.send', 0.1)
    jobMetrics(meter).retried('email', 'mail.send')
    httpMetrics(meter).request('GET', '/v1/jobs/:id', 200, 0.1)
    queueMetrics(meter, async () => READING)
    recorderMetrics(meter).recorded('email', 2)
    recorderMetrics(meter).refused('email')
    outboxMetrics(meter, async () => OUTBOXES)
    schedulerMetrics(meter, () => 1).fired(0.1)
    watchMetrics(meter, () => new Map([['missed', 1]]))
    const exposed = [...(await text()).matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name)
    expect(exposed.sort()).toEqual([...Object.values(METRICS), 'target_info'].sort())
  })

  it('are valid text for Prometheus, from the first scrape on', async () => {
    const { text, contentType } = start()
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(samplesOf(await text())).toEqual({ 'target_info{service_name="foliot-worker"}': 1 })
  })

  it('are of that process part alone: two do not mix', async () => {
    const [one, other] = [start(), start()]
    jobMetrics(one.meter).retried('email', 'mail.send')
    expect(await one.text()).toContain('foliot_job_retries_total{')
    expect(await other.text()).not.toContain('foliot_job_retries_total')
  })
})

describe('the metrics of a recorder', () => {
  it('tell by queue what was recorded, what was refused, and what waits', async () => {
    const { meter, text } = start()
    recorderMetrics(meter).recorded('email', 2)
    recorderMetrics(meter).recorded('email', 3)
    recorderMetrics(meter).refused('email')
    outboxMetrics(meter, async () => OUTBOXES)
    expect(samplesOf(await text())).toMatchObject({
      'foliot_history_recorded_total{queue="email"}': 5,
      'foliot_history_refused_total{queue="email"}': 1,
      'foliot_history_waiting_jobs{queue="email"}': 1,
      'foliot_history_oldest_age_seconds{queue="email"}': 2,
      foliot_audit_waiting_entries: 3,
      foliot_redis_memory_bytes: 5,
    })
  })
})

describe('jobMetrics', () => {
  it('adds up by queue, type and status', async () => {
    const { meter, text } = start()
    const jobs = jobMetrics(meter)
    jobs.finished('email', 'mail.send', 'succeeded', 0.02)
    jobs.finished('email', 'mail.send', 'succeeded', 0.03)
    jobs.finished('email', 'mail.send', 'failed', 700)
    jobs.finished('email', 'mail.read', 'succeeded', 1)
    jobs.finished('other', 'mail.send', 'succeeded', 1)
    jobs.retried('email', 'mail.send')
    jobs.waited('email', 'mail.send', 0.004)
    const samples = samplesOf(await text())
    expect(samples).toMatchObject({
      'foliot_jobs_total{queue="email",type="mail.send",status="succeeded"}': 2,
      'foliot_jobs_total{queue="email",type="mail.send",status="failed"}': 1,
      'foliot_jobs_total{queue="email",type="mail.read",status="succeeded"}': 1,
      'foliot_jobs_total{queue="other",type="mail.send",status="succeeded"}': 1,
      'foliot_job_retries_total{queue="email",type="mail.send"}': 1,
      'foliot_job_duration_seconds_count{queue="email",type="mail.send"}': 3,
      'foliot_job_duration_seconds_bucket{queue="email",type="mail.send",le="0.01"}': 0,
      'foliot_job_duration_seconds_bucket{queue="email",type="mail.send",le="0.025"}': 1,
      'foliot_job_duration_seconds_bucket{queue="email",type="mail.send",le="600"}': 2,
      'foliot_job_duration_seconds_bucket{queue="email",type="mail.send",le="+Inf"}': 3,
      'foliot_job_queue_seconds_bucket{queue="email",type="mail.send",le="0.005"}': 1,
    })
  })

  it('goes on adding after a scrape', async () => {
    const { meter, text } = start()
    const jobs = jobMetrics(meter)
    jobs.retried('email', 'mail.send')
    await text()
    jobs.retried('email', 'mail.send')
    expect(samplesOf(await text())['foliot_job_retries_total{queue="email",type="mail.send"}']).toBe(2)
  })

  it('counts a time that a clock set back made negative as none', async () => {
    const { meter, text } = start()
    jobMetrics(meter).waited('email', 'mail.send', -3)
    expect(samplesOf(await text())).toMatchObject({
      'foliot_job_queue_seconds_count{queue="email",type="mail.send"}': 1,
      'foliot_job_queue_seconds_sum{queue="email",type="mail.send"}': 0,
    })
  })
})

describe('httpMetrics', () => {
  it('sorts requests by method, route and status code', async () => {
    const { meter, text } = start()
    const http = httpMetrics(meter)
    http.request('POST', '/v1/jobs', 202, 0.002)
    http.request('POST', '/v1/jobs', 400, 0.002)
    expect(samplesOf(await text())).toMatchObject({
      'http_request_duration_seconds_count{method="POST",route="/v1/jobs",status_code="202"}': 1,
      'http_request_duration_seconds_bucket{method="POST",route="/v1/jobs",status_code="400",le="0.001"}': 0,
      'http_request_duration_seconds_bucket{method="POST",route="/v1/jobs",status_code="400",le="0.0025"}': 1,
    })
  })
})

describe('queueMetrics', () => {
  it('reads all queues once per scrape', async () => {
    const { meter, text } = start()
    let reads = 0
    queueMetrics(meter, async () => {
      reads++
      return READING
    })
    expect(reads).toBe(0)
    expect(samplesOf(await text())).toMatchObject({
      'foliot_queue_depth{queue="email",state="queued"}': 3,
      'foliot_queue_depth{queue="email",state="running"}': 0,
      'foliot_queue_oldest_age_seconds{queue="email"}': 1.5,
      'foliot_dead_letters{queue="email"}': 4,
      foliot_workers: 2,
    })
    expect(reads).toBe(1)
    await text()
    expect(reads).toBe(2)
  })

  it('forgets a queue that is gone', async () => {
    const { meter, text } = start()
    const readings = [READING, { ...READING, queues: [] }]
    queueMetrics(meter, async () => readings.shift() ?? READING)
    expect(await text()).toContain('queue="email"')
    expect(await text()).not.toContain('queue="email"')
  })

  it('leaves the queues out of a scrape and says so when they cannot be read', async () => {
    const { meter, text } = start()
    const readings = [Promise.resolve(READING), Promise.reject(new Error('Redis is gone'))]
    jobMetrics(meter).retried('email', 'mail.send')
    queueMetrics(meter, () => readings.shift() ?? Promise.resolve(READING))
    expect(await text()).toContain('foliot_queue_depth{')
    expect(warnings).toEqual([])
    const without = await text()
    expect(without).toContain('foliot_job_retries_total{')
    expect(without).not.toMatch(/^foliot_(queue|workers|dead)/m)
    expect(warnings).toMatchObject([[{ err: { message: 'Redis is gone' } }, expect.stringContaining('missing')]])
    expect(await text()).toContain('foliot_queue_depth{')
  })

  it('does not let a scrape hang on a read that never ends', async () => {
    const { meter, text } = start()
    queueMetrics(meter, () => new Promise(() => {}))
    expect(await text()).not.toContain('foliot_workers')
    expect(warnings).toHaveLength(1)
  })
})
