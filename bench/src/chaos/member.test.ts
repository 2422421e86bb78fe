import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { freeze } from './freeze.ts'
import { type Life, Member } from './member.ts'
import type { Blow } from './plan.ts'

/** Less than a test may take, so that the reason is told. */
const PATIENCE_MS = 20_000

/** A process that does nothing until it is ended. */
async function launch(): Promise<Life> {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' })
  await once(child, 'spawn')
  const exited = once(child, 'exit').then(([code, signal]) => signal ?? `code ${code}`)
  return { pid: child.pid as number, exited, isReady: () => true, signal: (name) => child.kill(name) }
}

const blow = (kind: Blow['kind'], forMs = 0): Blow => ({ atMs: 0, member: 'worker-1', kind, forMs })

/** The letter by which the system tells what a process does: `T` is stopped. */
const stateOf = (pid: number): string | undefined => /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]

async function until(check: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS
  while (!check()) {
    if (performance.now() > giveUpAt) throw new Error(`expected within ${PATIENCE_MS} ms: ${check}. Came: ${notes}`)
    await sleep(5)
  }
}

const notes: string[] = []
const surprises: string[] = []
const starts = (): number => notes.filter((line) => line.startsWith('worker-1 starts')).length
let member: Member
afterEach(() => member.end())

async function startMember(start = launch): Promise<void> {
  notes.length = 0
  surprises.length = 0
  member = new Member({
    name: 'worker-1',
    launch: start,
    note: (line) => notes.push(line),
    onUnexpectedEnd: (how) => surprises.push(how),
  })
  await until(() => member.isReady)
}

describe('a process of the run', () => {
  it('is started again after it was killed or stopped, and that is no surprise', async () => {
    await startMember()
    for (const [i, kind] of (['kill', 'stop'] as const).entries()) {
      expect(member.take(blow(kind))).toBeGreaterThan(0)
      await until(() => starts() === i + 2)
    }
    expect(notes.filter((line) => line.startsWith('worker-1 ended'))).toEqual([
      'worker-1 ended: SIGKILL',
      'worker-1 ended: SIGTERM',
    ])
    expect(surprises).toEqual([])
  })

  it('is away, and takes no blow, until its time is over', async () => {
    await startMember()
    member.take(blow('kill', 60_000))
    await until(() => !member.isReady)
    expect(member.take(blow('kill'))).toBeUndefined()
  })

  it('is started again, with a surprise, if it ends by itself or cannot start', async () => {
    let tries = 0
    await startMember(async () => {
      tries++
      if (tries === 1) throw new Error('not yet')
      const life = await launch()
      if (tries === 2) life.signal('SIGUSR1')
      return life
    })
    await until(() => starts() === 2)
    expect(surprises).toEqual(['no start: not yet', 'SIGUSR1'])
  })

  it.skipIf(process.platform !== 'linux')('is frozen until its time is over, or until it is let go on', async () => {
    await startMember()
    const pid = member.take(blow('freeze', 60_000)) as number
    await until(() => stateOf(pid) === 'T')
    expect(member.isReady).toBe(false)
    expect(member.take(blow('freeze'))).toBeUndefined()
    member.thaw()
    await until(() => stateOf(pid) !== 'T')
    member.take(blow('freeze', 1))
    await until(() => member.isReady)
    await until(() => stateOf(pid) !== 'T')
    expect(surprises).toEqual([])
  })

  it('can be killed while it is frozen', async () => {
    await startMember()
    member.take(blow('freeze', 60_000))
    member.take(blow('kill'))
    await until(() => starts() === 2)
    expect(notes).toContain('worker-1 ended: SIGKILL')
  })

  it.skipIf(process.platform !== 'linux')('goes on if whoever froze it is killed', async () => {
    await startMember()
    const pid = Number(notes[0]?.split(' ').at(-1))
    const script = `
      const { freeze } = await import(${JSON.stringify(new URL('./freeze.ts', import.meta.url).href)})
      freeze(${pid}, (name) => process.kill(${pid}, name))
      setInterval(() => undefined, 1000)`
    const freezer = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' })
    await until(() => stateOf(pid) === 'T')
    freezer.kill('SIGKILL')
    await until(() => stateOf(pid) !== 'T')
  })

  it('is let go on once, however often that is asked for', async () => {
    await startMember()
    const signals: string[] = []
    const thaw = freeze(Number(notes[0]?.split(' ').at(-1)), (name) => signals.push(name))
    thaw()
    thaw()
    expect(signals).toEqual(['SIGSTOP', 'SIGCONT'])
  })
})
