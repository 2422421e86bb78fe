import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { atEndOfFile, startApi, startWorker, testRedisUrl } from '@foliot/testkit'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { newVisitor, type Visitor } from '../fixtures/visitor.ts'

const OPERATOR = 'the-secret-of-an-operator'
const READER = 'the-secret-of-a-reader'

const FOLIOT_REDIS_URL = await testRedisUrl()
const [api] = await Promise.all([
  startApi({ FOLIOT_REDIS_URL, FOLIOT_API_KEYS: `${OPERATOR}:read+enqueue+operate,${READER}:read` }),
  startWorker({ FOLIOT_REDIS_URL, FOLIOT_JOBS: '@foliot/example-demo' }),
])

async function call(
  method: string,
  path: string,
  body?: object,
): Promise<{ id: string; status: string; output: unknown }> {
  const answer = await fetch(api.url + path, {
    method,
    headers: { authorization: `Bearer ${OPERATOR}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  return answer.json() as Promise<{ id: string; status: string; output: unknown }>
}

/** The id of a dead letter that succeeds once it is redriven. */
async function deadLetter(message: string): Promise<string> {
  const input = { times: 1, message, unrecoverable: true }
  const { id } = await call('POST', '/v1/jobs', { type: 'demo.fail', input })
  await call('GET', `/v1/jobs/${id}/wait`)
  return id
}

async function logIn(page: Page, secret: string): Promise<void> {
  await page.getByLabel('Key').fill(secret)
  await page.getByRole('button', { name: 'Log in' }).click()
}

async function loggedIn(secret: string, path: string): Promise<Visitor> {
  const visitor = await newVisitor(api.url)
  await visitor.page.goto(path)
  await logIn(visitor.page, secret)
  await visitor.page.waitForURL(api.url + path)
  return visitor
}

function expectAllWell({ strangers, complaints }: Visitor): void {
  expect(strangers()).toEqual([])
  expect(complaints()).toEqual([])
}

const icon = (page: Page, name: string) => page.locator(`button:visible:has(> .lucide-${name})`)

describe('an operator', () => {
  it('logs in, finds the failed job, retries it and sees it succeed', async () => {
    const id = await deadLetter('the invoice could not be sent')
    const visitor = await newVisitor(api.url)
    const { page } = visitor
    await page.goto('/board')
    expect(new URL(page.url()).pathname).toBe('/login')
    await logIn(page, OPERATOR)
    await page.getByRole('link', { name: 'demo', exact: true }).first().click()
    await page.getByRole('link', { name: /^FAILED/ }).click()
    await page.getByText(id).click()
    await page.getByText('the invoice could not be sent').waitFor()
    await icon(page, 'refresh-cw').click()
    await page.getByRole('button', { name: 'Confirm' }).click()
    await page.getByText('Finished at').waitFor()
    expect(await call('GET', `/v1/jobs/${id}`)).toMatchObject({ status: 'succeeded', output: { attempt: 2 } })
    await page.getByRole('link', { name: 'demo', exact: true }).first().click()
    await page.getByRole('link', { name: /^COMPLETED/ }).click()
    await page.getByText(id).waitFor()
    expectAllWell(visitor)
  })

  it('sees no button for what the server refuses', async () => {
    const id = await deadLetter('look at me')
    const delayed = await call('POST', '/v1/jobs', { type: 'demo.echo', input: 1, delayMs: 3_600_000 })
    const done = await call('POST', '/v1/jobs', { type: 'demo.echo', input: 1 })
    const visitor = await loggedIn(OPERATOR, `/board/queue/demo/${id}`)
    const { page } = visitor
    await icon(page, 'refresh-cw').waitFor()
    for (const [path, ready] of [
      [`/board/queue/demo/${id}`, id],
      [`/board/queue/demo/${delayed.id}`, delayed.id],
      ['/board/queue/demo?status=failed', id],
      ['/board/queue/demo?status=delayed', delayed.id],
      ['/board/queue/demo?status=completed', done.id],
    ] as const) {
      await page.goto(path)
      await page.getByText(ready).first().waitFor()
      for (const refused of ['trash-2', 'files', 'pencil', 'clock', 'arrow-up-down']) {
        expect(await icon(page, refused).count(), `${refused} at ${path}`).toBe(0)
      }
      expect(
        await page
          .getByText(/Clean all|Promote all/)
          .filter({ visible: true })
          .count(),
        path,
      ).toBe(0)
    }
    expect(await page.locator('a[href$="/bull-board/releases"]').filter({ visible: true }).count()).toBe(0)
    await page.goto('/board/queue/demo')
    await icon(page, 'ellipsis-vertical').click()
    await page.getByRole('menu').waitFor()
    const offered = (await page.getByRole('menuitem').allInnerTexts()).map((text) => text.trim()).filter(Boolean)
    expect(offered).toEqual([expect.stringMatching(/^Retry all/), 'Pause'])
    expectAllWell(visitor)
  })

  it('can tell a cancelled job from one that is done', async () => {
    const { id } = await call('POST', '/v1/jobs', { type: 'demo.echo', input: 1, delayMs: 3_600_000 })
    await call('POST', `/v1/jobs/${id}/cancel`)
    const { page } = await loggedIn(OPERATOR, '/board/queue/demo?status=completed')
    await page.getByText(id).waitFor()
    await page.getByText('demo.echo (cancelled)').waitFor()
  })

  it('gets to the reference, tries a call there, and logs out', async () => {
    const visitor = await loggedIn(OPERATOR, '/board')
    const { page } = visitor
    await icon(page, 'circle-user').click()
    await page.getByRole('menuitem', { name: 'API reference' }).click()
    await page.getByText('Have a job done').waitFor()
    await page.locator('#operations-queues-listQueues button.opblock-summary-control').click()
    await page.getByRole('button', { name: 'Try it out' }).click()
    await page.getByRole('button', { name: 'Execute' }).click()
    await page.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor()
    await page.goto('/board')
    await icon(page, 'circle-user').click()
    await page.getByRole('menuitem', { name: 'Log out' }).click()
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.waitForURL('**/login')
    await page.goto('/board')
    expect(new URL(page.url()).pathname).toBe('/login')
    expectAllWell(visitor)
  })

  it('who follows a link from another site need not log in again', async () => {
    // Another port of the same host would be the same site.
    const elsewhere = createServer((_request, response) =>
      response.setHeader('content-type', 'text/html').end(`<a href="${api.url}/board/queue/demo">look here</a>`),
    ).listen(0, 'localhost')
    atEndOfFile(async () => void elsewhere.close())
    const { page } = await loggedIn(OPERATOR, '/board')
    await page.goto(`http://localhost:${(elsewhere.address() as AddressInfo).port}/`)
    await page.getByRole('link', { name: 'look here' }).click()
    await page.waitForURL('**/board/queue/demo')
  })
})

it('a key that may only read shows the failed job and no way to retry it', async () => {
  const id = await deadLetter('only looking')
  const visitor = await loggedIn(READER, `/board/queue/demo/${id}`)
  const { page } = visitor
  await page.getByText('only looking').waitFor()
  expect(await icon(page, 'refresh-cw').count()).toBe(0)
  await page.goto('/board/queue/demo?status=failed')
  await page.getByText(id).waitFor()
  expect(await page.getByText('Retry all').count()).toBe(0)
  expect(await icon(page, 'ellipsis-vertical').count()).toBe(0)
  const retry = await page.evaluate(
    `fetch('/board/api/queues/demo/${id}/retry', { method: 'PUT' }).then((answer) => answer.status)`,
  )
  expect(retry).toBe(403)
  expect(visitor.strangers()).toEqual([])
})

it('a wrong key is told so, and can be put right', async () => {
  const { page, strangers } = await newVisitor(api.url)
  await page.goto('/docs')
  await logIn(page, 'not-a-key-of-ours')
  await page.getByRole('alert').waitFor()
  expect(await page.getByLabel('Key').inputValue()).toBe('')
  await logIn(page, READER)
  await page.getByText('Have a job done').waitFor()
  expect(strangers()).toEqual([])
})
