import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { type AuditEntry, newJobId } from '@foliot/jobs'
import { atEndOfFile, startApi, testRedisUrl, waitUntil } from '@foliot/testkit'
import { expect, it } from 'vitest'

/** A PostgreSQL that takes connections and never says a word. */
async function silentPostgres(): Promise<string> {
  const server = createServer((socket) => socket.on('error', () => undefined).resume())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEndOfFile(async () => server.close())
  return `postgres://nobody@127.0.0.1:${(server.address() as AddressInfo).port}/nowhere`
}

it('an api that is killed while it changes something leaves an entry whose outcome is unknown', async () => {
  const env = { FOLIOT_REDIS_URL: await testRedisUrl(), FOLIOT_API_KEYS: 'the-secret-of-an-admin' }
  const authorization = `Bearer ${env.FOLIOT_API_KEYS}`
  const [doomed, api] = await Promise.all([
    startApi({ ...env, FOLIOT_DATABASE_URL: await silentPostgres() }),
    startApi(env),
  ])
  const id = newJobId(Date.now())
  // A job that is not in Redis may be in the history, and that does not answer.
  const headers = { authorization, 'x-reason': 'to be sure' }
  const request = fetch(`${doomed.url}/v1/jobs/${id}/cancel`, { method: 'POST', headers })
  const answer = request.then(
    ({ status }) => status,
    () => 'none',
  )
  const read = async () => {
    const { items } = (await (await fetch(`${api.url}/v1/audit`, { headers })).json()) as { items: AuditEntry[] }
    return items
  }
  await waitUntil(async () => (await read()).length === 1, { everyMs: 5 })
  await doomed.kill()
  expect(await answer).toBe('none')
  expect(await read()).toMatchObject([
    {
      action: 'job.cancel',
      target: { kind: 'job', id },
      reason: 'to be sure',
      outcome: 'unknown',
      status: null,
      code: null,
      endedAt: null,
    },
  ])
})
