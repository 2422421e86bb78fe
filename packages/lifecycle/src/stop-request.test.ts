import { startProcess, type TestProcess } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'

const entry = 'packages/lifecycle/src/fixtures/print-stop-requests.ts'

const listen = (...args: string[]): Promise<TestProcess> =>
  startProcess({ entry, args, until: ({ json }) => json?.what === 'listening' })

const line = async (process: TestProcess, what: string): Promise<unknown> =>
  (await process.waitForLine(({ json }) => json?.what === what)).json?.by

/** What it has printed of requests, at its end. */
async function requestsOf(process: TestProcess): Promise<unknown[]> {
  await process.kill()
  return process.lines.map(({ json }) => json).filter((json) => json?.what === 'first' || json?.what === 'second')
}

describe('stopRequest', () => {
  it('tells the first signal from the second', async () => {
    const process = await listen()
    process.signal('SIGINT')
    expect(await line(process, 'first')).toBe('SIGINT')
    process.signal('SIGTERM')
    expect(await line(process, 'second')).toBe('SIGTERM')
  })

  it('takes the end of stdin for a request if it is supervised', async () => {
    const process = await listen('supervised')
    process.closeInput()
    expect(await line(process, 'first')).toBe('stdin ended')
  })

  it('does not mind the end of stdin if it is not supervised', async () => {
    const process = await listen()
    process.closeInput()
    await line(process, 'stdin')
    process.signal('SIGTERM')
    expect(await line(process, 'first')).toBe('SIGTERM')
    expect(await requestsOf(process)).toHaveLength(1)
  })

  it('is not hurried by a supervisor that ends after it has sent its signal', async () => {
    const process = await listen('supervised')
    process.signal('SIGTERM')
    await line(process, 'first')
    process.closeInput()
    await line(process, 'stdin')
    expect(await requestsOf(process)).toEqual([{ what: 'first', by: 'SIGTERM' }])
  })

  it('is not hurried by the first signal after the end of stdin, but by the second', async () => {
    const process = await listen('supervised')
    process.closeInput()
    await line(process, 'first')
    process.signal('SIGTERM')
    await line(process, 'signal')
    process.signal('SIGINT')
    expect(await line(process, 'second')).toBe('SIGINT')
    expect(await requestsOf(process)).toHaveLength(2)
  })
})
