import { startApi, startWorker, testRedisUrl } from '@foliot/testkit'
import { expect, it } from 'vitest'
import { newVisitor } from './fixtures/visitor.ts'

const FOLIOT_REDIS_URL = await testRedisUrl()
const [api] = await Promise.all([
  startApi({ FOLIOT_REDIS_URL }),
  startWorker({ FOLIOT_REDIS_URL, FOLIOT_JOBS: '@foliot/example-demo' }),
])

it.each([
  ['jobs-enqueueJob', 202],
  ['jobs-enqueueJobs', 207],
  ['dead_letters-redriveDeadLetters', 202],
  ['dead_letters-discardDeadLetters', 202],
])('a call is taken as the reference offers it to be tried: %s', async (operation, status) => {
  const { page, complaints } = await newVisitor(api.url)
  await page.goto('/docs')
  const block = page.locator(`#operations-${operation}`)
  await block.locator('button.opblock-summary-control').click()
  await block.getByRole('button', { name: 'Try it out' }).click()
  await block.getByRole('button', { name: 'Execute' }).click()
  const answer = block.locator('.live-responses-table .response')
  await answer.waitFor()
  expect(await answer.locator('.response-col_status').textContent()).toContain(String(status))
  // Each item of a batch has an answer of its own.
  if (status === 207) expect(await answer.textContent()).not.toMatch(/"status": 4/)
  expect(complaints()).toEqual([])
})

it('the address of the api leads to the reference, which fits a telephone', async () => {
  const { page, complaints } = await newVisitor(api.url)
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto('/')
  expect(new URL(page.url()).pathname).toMatch(/^\/docs/)
  await page.getByText('Have a job done').waitFor()
  expect(await page.locator('meta[name=viewport]').getAttribute('content')).toContain('width=device-width')
  expect(complaints()).toEqual([])
})
