import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type JobContext, UnrecoverableError } from '@foliot/jobs'
import { describe, expect, it } from 'vitest'
import { handlers } from './handlers.ts'

interface Notes {
  progress: unknown[]
  lines: string[]
}

/** A context without a queue behind it, and what was told to it. */
function contextOf(attempt: number, signal = new AbortController().signal): { ctx: JobContext; notes: Notes } {
  const notes: Notes = { progress: [], lines: [] }
  const write = (message: string): void => {
    notes.lines.push(message)
  }
  const ctx: JobContext = {
    jobId: '01970000-0000-7000-8000-000000000000',
    type: 'demo.any',
    queue: 'demo',
    tenant: 'default',
    labels: {},
    attempt,
    maxAttempts: 3,
    scheduledFor: new Date(0),
    signal,
    log: { debug: write, info: write, warn: write, error: write },
    async progress(value) {
      notes.progress.push(value)
    },
    step: async (_, fn) => fn(),
  }
  return { ctx, notes }
}

describe('demo.echo', () => {
  it.each([1, 0, -1.5, true, false, null, '', 'text', [], [1, [null]], {}, { a: { b: [1] } }])(
    'gives back %j',
    (value) => {
      expect(handlers['demo.echo'](value, contextOf(1).ctx)).toBe(value)
    },
  )
})

describe('demo.sleep', () => {
  it('says how long it slept', async () => {
    expect(await handlers['demo.sleep']({ ms: 1 }, contextOf(1).ctx)).toEqual({ sleptMs: 1 })
  })

  it('stops with the reason of its signal', async () => {
    const stop = new AbortController()
    const sleeping = handlers['demo.sleep']({ ms: 3_600_000 }, contextOf(1, stop.signal).ctx)
    const reason = new Error('the worker shuts down')
    stop.abort(reason)
    await expect(sleeping).rejects.toBe(reason)
  })
})

describe('demo.fail', () => {
  const run = (input: Parameters<(typeof handlers)['demo.fail']>[0], attempt: number) => () =>
    handlers['demo.fail'](input, contextOf(attempt).ctx)

  it('fails up to and including attempt `times`, and succeeds from the next on', () => {
    expect(run({ times: 2 }, 1)).toThrow('demo.fail: attempt 1 of the 2 that fail')
    expect(run({ times: 2 }, 2)).toThrow('demo.fail: attempt 2 of the 2 that fail')
    expect(run({ times: 2 }, 3)()).toEqual({ attempt: 3 })
    expect(run({ times: 0 }, 1)()).toEqual({ attempt: 1 })
  })

  it.each(['the mail server is away', ''])('fails with the message %j exactly as given', (message) => {
    expect(run({ times: 1, message }, 1)).toThrow(expect.objectContaining({ name: 'Error', message }))
  })

  it('asks for no retry only if told to', () => {
    expect(run({ times: 1, unrecoverable: true, message: 'gone' }, 1)).toThrow(UnrecoverableError)
    expect(run({ times: 1, unrecoverable: true, message: 'gone' }, 1)).toThrow('gone')
    expect(run({ times: 1, unrecoverable: false }, 1)).not.toThrow(UnrecoverableError)
  })
})

describe('demo.progress', () => {
  it('reports a number after each step and ends at 100', async () => {
    const { ctx, notes } = contextOf(1)
    expect(await handlers['demo.progress']({ steps: 4, stepMs: 0 }, ctx)).toEqual({ steps: 4 })
    expect(notes.progress).toEqual([25, 50, 75, 100])
  })

  it('begins a step only when the report of the one before is stored', async () => {
    const { ctx } = contextOf(1)
    let stored = 0
    let inFlight = 0
    await handlers['demo.progress'](
      { steps: 3, stepMs: 0 },
      {
        ...ctx,
        async progress() {
          expect(++inFlight).toBe(1)
          await new Promise(setImmediate)
          inFlight--
          stored++
        },
      },
    )
    expect(stored).toBe(3)
  })

  it('stops between two steps with the reason of its signal', async () => {
    const stop = new AbortController()
    const { ctx } = contextOf(1, stop.signal)
    const reason = new Error('cancelled')
    const seen: unknown[] = []
    const running = handlers['demo.progress'](
      { steps: 100, stepMs: 0 },
      {
        ...ctx,
        async progress(value) {
          seen.push(value)
          stop.abort(reason)
        },
      },
    )
    await expect(running).rejects.toBe(reason)
    expect(seen).toEqual([1])
  })
})

describe('demo.log', () => {
  it('writes as many lines as asked for', () => {
    const { ctx, notes } = contextOf(1)
    expect(handlers['demo.log']({ lines: 3 }, ctx)).toEqual({ lines: 3 })
    expect(notes.lines).toEqual(['line 1 of 3', 'line 2 of 3', 'line 3 of 3'])
  })
})

describe('demo.spin', () => {
  it('holds the event loop for as long as asked', () => {
    let timers = 0
    const timer = setInterval(() => timers++, 1)
    const start = performance.now()
    expect(handlers['demo.spin']({ ms: 20 }, contextOf(1).ctx)).toEqual({ spunMs: 20 })
    expect(performance.now() - start).toBeGreaterThanOrEqual(20)
    expect(timers).toBe(0)
    clearInterval(timer)
  })
})

describe('demo.crash', () => {
  it('kills its own process up to and including attempt `times`', async () => {
    expect(await runInChild({ times: 2 }, 2)).toEqual({ code: null, signal: 'SIGKILL', output: '' })
  })

  it('succeeds from the next attempt on', async () => {
    expect(await runInChild({ times: 2 }, 3)).toEqual({ code: 0, signal: null, output: '{"attempt":3}' })
  })
})

async function runInChild(input: { times: number }, attempt: number) {
  const code = `
    const { handlers } = await import(${JSON.stringify(new URL('./handlers.ts', import.meta.url))})
    const output = await handlers['demo.crash'](${JSON.stringify(input)}, { attempt: ${attempt} })
    process.stdout.write(JSON.stringify(output))`
  const child = spawn(process.execPath, ['--conditions=source', '--input-type=module', '--eval', code], {
    cwd: import.meta.dirname,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  const [exitCode, signal] = await once(child, 'close')
  return { code: exitCode, signal, output }
}
