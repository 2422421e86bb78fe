import { type ProcessExit, startProcess, type TestProcess } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import type { PartPlan, Plan } from './fixtures/run-parts.ts'

const entry = 'packages/lifecycle/src/fixtures/run-parts.ts'

/** Runs the plan in a process of its own, up to a line. */
const run = (plan: Plan, until = 'started ready'): Promise<TestProcess> =>
  startProcess({ entry, args: [JSON.stringify(plan)], until: ({ json }) => json?.msg === until })

const told = (process: TestProcess, msg: string) => process.waitForLine(({ json }) => json?.msg === msg)

const messages = (process: TestProcess): unknown[] => process.lines.map(({ json }) => json?.msg)

async function endOf(process: TestProcess): Promise<[ProcessExit, unknown[]]> {
  return [await process.exited, messages(process)]
}

const parts = (...names: string[]): PartPlan[] => names.map((name) => ({ name }))

const exit = (code: number): ProcessExit => ({ code, signal: null })

describe('runServices', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('starts and stops its parts in the stated orders, by %s', async (signal) => {
    const process = await run({ start: parts('a', 'b'), stop: parts('b', 'c', 'a') })
    expect(messages(process)).toEqual(['start a', 'started a', 'start b', 'started b', 'start ready', 'started ready'])
    process.signal(signal)
    const [end, lines] = await endOf(process)
    expect(lines.slice(6)).toEqual([
      'stopping',
      'stop b',
      'stopped b',
      'stop c',
      'stopped c',
      'stop a',
      'stopped a',
      'stopped',
    ])
    expect(process.lines[6]?.json).toMatchObject({ level: 'info', reason: signal })
    expect(end).toEqual(exit(0))
  })

  it('stops every part and exits with 1 if one cannot start', async () => {
    const start: PartPlan[] = [{ name: 'a' }, { name: 'b', start: 'fails' }, { name: 'c' }]
    const process = await run({ start }, 'stopping')
    const [end, lines] = await endOf(process)
    expect(lines).toEqual([
      'start a',
      'started a',
      'start b',
      'b could not start: as planned',
      'stopping',
      ...['stop a', 'stopped a', 'stop b', 'stopped b', 'stop c', 'stopped c'],
      'stopped',
    ])
    expect(process.lines[3]?.json).toMatchObject({ level: 'fatal', service: 'b', err: 'as planned' })
    expect(process.lines[4]?.json).toMatchObject({ reason: 'b could not start' })
    expect(end).toEqual(exit(1))
  })

  it('stops the rest and exits with 1 if a part does not stop cleanly', async () => {
    const process = await run({ start: [{ name: 'a', stop: 'fails' }, { name: 'b' }] })
    process.signal('SIGTERM')
    const [end, lines] = await endOf(process)
    expect(lines).toEqual(expect.arrayContaining(['a did not stop cleanly: as planned', 'stopped b', 'stopped']))
    expect(end).toEqual(exit(1))
  })

  it.each(['throws', 'rejects'] as const)(
    'stops in order and exits with 1 if a part %s and nobody catches it',
    async (start) => {
      const process = await run({ start: [{ name: 'a', start }, { name: 'b' }] }, 'stopping')
      const [end, lines] = await endOf(process)
      expect(lines.filter((line) => line === 'an error that nobody caught; stopping')).toHaveLength(1)
      expect(lines.slice(-5)).toEqual(['stop a', 'stopped a', 'stop b', 'stopped b', 'stopped'])
      expect(process.lines.find(({ json }) => json?.level === 'fatal')?.json).toMatchObject({ err: 'nobody caught it' })
      expect(end).toEqual(exit(1))
    },
  )

  it('exits with 1 after an error that nobody caught while it was stopping', async () => {
    const process = await run({ start: [{ name: 'a', stop: 'throws' }, { name: 'b' }] })
    process.signal('SIGTERM')
    const [end, lines] = await endOf(process)
    expect(lines).toEqual(expect.arrayContaining(['an error that nobody caught; stopping', 'stopped b', 'stopped']))
    expect(end).toEqual(exit(1))
  })

  it('starts no further part once it is told to stop', async () => {
    const process = await run({ start: [{ name: 'a', start: 'waits' }, { name: 'b' }] }, 'start a')
    process.signal('SIGTERM')
    await told(process, 'stopped')
    const [end, lines] = await endOf(process)
    expect(lines).toEqual(['start a', 'stopping', 'stop a', 'stopped a', 'stop b', 'stopped b', 'stopped'])
    expect(end).toEqual(exit(0))
  })

  it('starts no further part when the one under way gets done during the stop', async () => {
    const start: PartPlan[] = [{ name: 'a', start: 'waits', stop: 'waits' }, { name: 'b' }]
    const process = await run({ start }, 'start a')
    process.signal('SIGTERM')
    await told(process, 'stop a')
    process.signal('SIGUSR2')
    const [end, lines] = await endOf(process)
    expect(lines).toContain('started a')
    expect(lines).not.toContain('start b')
    expect(end).toEqual(exit(0))
  })

  it('does not complain of a part that fails to start because it is being stopped', async () => {
    const process = await run({ start: [{ name: 'a', start: 'fails late', stop: 'waits' }] }, 'start a')
    process.signal('SIGTERM')
    await told(process, 'stop a')
    process.signal('SIGUSR2')
    const [end] = await endOf(process)
    expect(process.lines.filter(({ json }) => json?.level === 'fatal')).toEqual([])
    expect(end).toEqual(exit(0))
  })

  it('ends at once when it is told a second time', async () => {
    const process = await run({ start: [{ name: 'a', stop: 'waits' }, { name: 'b' }] })
    process.signal('SIGTERM')
    await told(process, 'stop a')
    process.signal('SIGTERM')
    const [end, lines] = await endOf(process)
    expect(lines.slice(-2)).toEqual(['stop a', 'told a second time; ending at once'])
    expect(end).toEqual(exit(1))
  })

  it('ends without a part that does not stop within the time it has', async () => {
    const process = await run({ start: [{ name: 'a', stop: 'waits' }, { name: 'b' }], stopWithinMs: 50 })
    process.signal('SIGTERM')
    const [end, lines] = await endOf(process)
    expect(lines.slice(-2)).toEqual(['stop a', 'not stopped within 50 ms; ending without it'])
    expect(end).toEqual(exit(1))
  })
})
