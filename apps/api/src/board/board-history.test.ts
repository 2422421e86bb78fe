import { startPostgres, waitUntil } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { startRecorder, untilRecorded } from '../fixtures/recorder.ts'
import { runAsAsked } from '../fixtures/runs.ts'
import { openTestApi } from '../fixtures/test-api.ts'

const server = await startPostgres()
const api = await openTestApi({ databaseUrl: server.url })
await startRecorder(api, server.url)

/** What the board asks for itself: no part of the contract. */
// biome-ignore lint/suspicious/noExplicitAny: bodies of several shapes; the test says what it expects of each
async function board(path: string): Promise<any> {
  return (await fetch(`${api.url}/board/api/${path}`)).json()
}

async function completed(): Promise<{ count: number; ids: string[] }> {
  const { queues } = await board('queues?activeQueue=demo&status=completed&page=1&jobsPerPage=10')
  const queue = queues.find(({ name }: { name: string }) => name === 'demo')
  return { count: queue.counts.completed, ids: queue.jobs.map(({ id }: { id: string }) => id) }
}

it('the board shows what the history has taken, with its log, and does without while PostgreSQL is away', async () => {
  const done = [await api.echo(1), await api.echo(2), await api.echo(3)].map(({ id }) => id)
  await api.consume(async (attempt) => {
    attempt.log('a line')
    await attempt.flushLog()
    return runAsAsked(attempt)
  })
  await waitUntil(async () => (await api.get(`/v1/jobs/${done[2]}/wait`)).status === 200)
  await untilRecorded(api)
  expect(await completed()).toEqual({ count: 3, ids: done.toReversed() })
  const [id] = done
  expect((await board(`queues/demo/${id}`)).job).toMatchObject({ id, returnValue: 1 })
  expect(await board(`queues/demo/${id}/logs`)).toEqual(['a line'])
  await server.kill()
  expect(await completed()).toEqual({ count: 0, ids: [] })
})
