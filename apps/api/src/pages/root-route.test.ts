import { expect, it } from 'vitest'
import { openTestApi } from '../fixtures/test-api.ts'

const [open, closed] = await Promise.all([openTestApi(), openTestApi({ keys: 'the-secret-of-a-reader:read' })])

const ask = (at: string, accept: string, method = 'GET') =>
  fetch(`${at}/`, { method, headers: { accept }, redirect: 'manual' })

it.each([
  ['that asks for no key', open],
  ['that asks for one', closed],
])('the address of an api %s leads a browser to the reference', async (_, { app }) => {
  const answer = await ask(app.listeningOrigin, 'text/html,application/xhtml+xml,*/*;q=0.8')
  expect([answer.status, answer.headers.get('location'), answer.headers.get('vary')]).toEqual([302, '/docs', 'accept'])
})

it('says to a program that nothing is there', async () => {
  for (const accept of ['*/*', 'application/json']) {
    const answer = await ask(open.app.listeningOrigin, accept)
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(await answer.json()).toMatchObject({ status: 404, code: 'not_found', detail: 'there is nothing at /' })
  }
  expect((await ask(open.app.listeningOrigin, '*/*', 'POST')).status).toBe(405)
})
