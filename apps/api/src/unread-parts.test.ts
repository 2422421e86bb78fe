import { expect, it } from 'vitest'
import { openTestApi } from './fixtures/test-api.ts'

const api = await openTestApi()

it.each<[string, string]>([
  ['GET', '/v1/jobs/x?verbose=1'],
  ['GET', '/v1/jobs/x/logs?tail=10'],
  ['GET', '/v1/queues?status=paused'],
  ['GET', '/v1/workers?queue=demo'],
  ['POST', '/v1/jobs?dryRun=true'],
  ['POST', '/v1/jobs/x/cancel?reason=no'],
  ['POST', '/v1/queues/demo/pause?for=1h'],
])('%s %s: a query parameter that nobody reads is refused', async (method, path) => {
  const body = path.startsWith('/v1/jobs?') ? { type: 'demo.echo', input: 1 } : undefined
  const { detail, errors } = (await api.send(method, path, body)).problem(400, 'validation_failed')
  expect(detail).toContain('the query string is not as expected')
  expect(errors?.map((error) => error.path)).toEqual([path.replace(/^.*\?/, '/').replace(/=.*$/, '')])
})

it.each([
  ['/v1/jobs/x/promote', { reason: 'now' }, '/reason'],
  ['/v1/jobs/x/retry', { attempts: 3 }, '/attempts'],
  ['/v1/queues/demo/pause', { until: 'noon' }, '/until'],
  ['/v1/operations/x/pause', [1], '/0'],
  ['/v1/queues/demo/resume', 'x', ''],
])('POST %s with %j: a body that nobody reads is refused', async (path, body, where) => {
  const { errors } = (await api.post(path, JSON.stringify(body))).problem(400, 'validation_failed')
  expect(errors?.map((error) => error.path)).toContain(where)
})

it.each(['', '{}', 'null'])('a move takes a body that says nothing: "%s"', async (body) => {
  const { id } = await api.echo(1, { delayMs: 3_600_000 })
  expect((await api.post(`/v1/jobs/${id}/promote`, body)).job(200).status).toBe('queued')
})
