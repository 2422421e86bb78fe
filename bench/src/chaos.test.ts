import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MEMBERS } from './chaos/plan.ts'
import { environment } from './env.ts'

/** Less than a test may take, so that what has come by then is told. */
const PATIENCE_MS = 20_000

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'foliot-chaos-test-'))
})
afterEach(async () => {
  for (const { child, ended } of runs.splice(0)) {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM')
    await ended
  }
  rmSync(dir, { recursive: true, force: true })
})

interface Run {
  child: ChildProcess
  ended: Promise<{ code: number | null; stdout: string; stderr: string }>
}

const runs: Run[] = []

function startChaos(suite: 'chaos' | 'chaos-schedules', ...args: string[]): Run {
  const file = fileURLToPath(new URL(`./${suite}.ts`, import.meta.url))
  const child = spawn(process.execPath, ['--conditions=source', file, ...args], {
    env: { ...environment(), TMPDIR: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = Promise.all([once(child, 'close'), text(child.stdout), text(child.stderr)])
  const run = { child, ended: ended.then(([[code], stdout, stderr]) => ({ code, stdout, stderr })) }
  runs.push(run)
  return run
}

/** The processes that the run has started so far. */
function started(): number[] {
  const [run] = readdirSync(dir)
  if (run === undefined || !readdirSync(join(dir, run)).includes('actions.log')) return []
  const actions = readFileSync(join(dir, run, 'actions.log'), 'utf8')
  return [...actions.matchAll(/ starts as process (\d+)$/gm)].map(([, pid]) => Number(pid))
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('the chaos suite', () => {
  it('ends all that it started, and leaves nothing behind, when it is told to stop', async () => {
    const { child, ended } = startChaos('chaos', '--minutes', '10', '--seed', '1')
    const giveUpAt = performance.now() + PATIENCE_MS
    while (started().length < MEMBERS.length && child.exitCode === null && performance.now() < giveUpAt) await sleep(20)
    const pids = started()
    expect(pids.filter(isAlive)).toHaveLength(MEMBERS.length)
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 143, stderr: 'chaos: stopped by SIGTERM\n' })
    expect(pids.filter(isAlive)).toEqual([])
    expect(readdirSync(dir)).toEqual([])
  })

  it.each(['chaos', 'chaos-schedules'] as const)(
    '%s counts as failed, and leaves nothing behind, when it is asked for what it cannot do',
    async (suite) => {
      const { code, stdout, stderr } = await startChaos(suite, '--minutes', 'ten').ended
      expect({ code, stdout: stdout.trim() }).toEqual({ code: 1, stdout: '0 passed, 1 failed' })
      expect(stderr).toContain('expected --minutes to be a number above 0')
      expect(readdirSync(dir)).toEqual([])
    },
  )
})
