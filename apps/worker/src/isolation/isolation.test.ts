import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ERROR_KINDS } from '@foliot/jobs'
import { classifyError } from '@foliot/retries'
import { startProcess, temporaryFolder, waitUntil } from '@foliot/testkit'
import { describe, expect, it, vi } from 'vitest'
import type { Performed } from '../perform.ts'
import { isRunning, JOBS, openIsolatedBed } from './fixtures/isolated-bed.ts'
import * as jobs from './fixtures/jobs.ts'
import type { Isolation } from './isolation.ts'

// Each test waits for processes of its own. More than a few that start at once would keep each other waiting.
vi.setConfig({ maxConcurrency: 3 })

const { bed, open, perform } = await openIsolatedBed()

const outputOf = (performed: Performed): unknown =>
  JSON.parse((performed as { value: { json: string } }).value.json ?? 'null')

/** The id of the process that runs a job now. */
const pidOf = async (isolation: Isolation): Promise<number> =>
  (outputOf(await perform(isolation, jobs.tell, null)) as { pid: number }).pid

const failureOf = (performed: Performed) => classifyError((performed as { thrown: unknown }).thrown)

describe.concurrent('Isolation', () => {
  it('starts no process before the first job, and uses one for job after job', async () => {
    const isolation = open()
    await isolation.start()
    expect(isolation.pids).toEqual([])
    const pid = await pidOf(isolation)
    expect([await pidOf(isolation), await pidOf(isolation)]).toEqual([pid, pid])
    expect(isolation.pids).toEqual([pid])
  })

  it('has one process for each job at the same time, and takes the one that was used last', async () => {
    const isolation = open()
    let first = 0
    await perform(isolation, jobs.wait, 'tell', async ({ attempt, run, progress }) => {
      first = await progress()
      const second = await pidOf(isolation)
      expect(second).not.toBe(first)
      expect(await pidOf(isolation)).toBe(second)
      expect(isolation.pids).toEqual([first, second])
      attempt.stop('shutdown')
      await run.done
    })
  })

  it('replaces a process after as many jobs as it may run', async () => {
    const isolation = open({ jobsPerProcess: 2 })
    const pids = [await pidOf(isolation), await pidOf(isolation), await pidOf(isolation)]
    expect(pids[1]).toBe(pids[0])
    expect(pids[2]).not.toBe(pids[0])
    await waitUntil(() => isolation.pids.length === 1)
    expect(isRunning(pids[0] as number)).toBe(false)
  })

  it('uses no process again in which a job was told to stop', async () => {
    const isolation = open()
    let pid = 0
    await perform(isolation, jobs.wait, 'tell', async ({ attempt, run, progress }) => {
      pid = await progress()
      attempt.stop('cancel')
      await run.done
    })
    expect(await pidOf(isolation)).not.toBe(pid)
    await waitUntil(() => !isRunning(pid))
  })

  it('ends a process that has had nothing to do for a while', async () => {
    const isolation = open({ idleMs: 10 })
    const pid = await pidOf(isolation)
    await waitUntil(() => isolation.pids.length === 0)
    expect(isRunning(pid)).toBe(false)
    expect(await pidOf(isolation)).not.toBe(pid)
  })

  it('says when the handler begins, and not before', async () => {
    await perform(open(), jobs.wait, 'tell', async ({ attempt, run, progress }) => {
      let hasBegun = false
      void run.began.then(() => {
        hasBegun = true
      })
      await new Promise(setImmediate)
      expect(hasBegun).toBe(false)
      await run.began
      await progress()
      attempt.stop('shutdown')
    })
  })

  // As long as that lasts, a process has to start: on a busy machine it takes its time.
  it.each(['exit', 'spin'])('does not blame a job for what an earlier one left behind: %s', async (what) => {
    const isolation = open({ startWithinMs: 5000 })
    const file = join(await temporaryFolder(), 'left')
    const pid = outputOf(await perform(isolation, jobs.leave, { what, file })) as number
    process.kill(pid, 'SIGUSR2')
    await waitUntil(() => existsSync(file))
    expect(await pidOf(isolation)).not.toBe(pid)
    await waitUntil(() => !isRunning(pid))
  })

  it('does nothing if a run is killed that has ended', async () => {
    const isolation = open()
    await perform(isolation, jobs.tell, null, async ({ run }) => {
      await run.done
      run.kill()
    })
    const [pid] = isolation.pids
    expect(await pidOf(isolation)).toBe(pid)
  })

  describe('when no process can be started', () => {
    it('fails the attempt for now, if the modules cannot be loaded', async () => {
      const failure = failureOf(await perform(open({ modules: ['./nowhere.ts'] }), jobs.tell, null))
      expect(failure).toMatchObject({ kind: ERROR_KINDS.crashed, retryable: true })
      expect(failure.message).toMatch(
        /^expected a process to run this attempt in, but it could not load the job modules: expected to load \.\/nowhere\.ts/,
      )
    })

    it('fails the attempt for now, if the modules take too long', async () => {
      const file = join(await temporaryFolder(), 'endless.mjs')
      await writeFile(file, 'setInterval(() => {}, 1000); await new Promise(() => {})')
      const isolation = open({ modules: [file], startWithinMs: 10 })
      expect(failureOf(await perform(isolation, jobs.tell, null))).toMatchObject({
        message: 'expected a process to run this attempt in, but it did not load the job modules within 10 ms',
        retryable: true,
      })
      expect(isolation.pids).toEqual([])
    })

    it('fails the attempt for now, if the modules do not have its type any more', async () => {
      const file = join(await temporaryFolder(), 'other.mjs')
      await writeFile(file, 'export default { jobs: [], handlers: {} }')
      expect(failureOf(await perform(open({ modules: [file] }), jobs.tell, null))).toMatchObject({
        message: expect.stringMatching(
          /those that the worker has loaded, but now they have no handler for "iso.tell"$/,
        ),
        retryable: true,
      })
    })
  })

  describe('stop', () => {
    it('ends every process, the one that runs and the one that is idle, and starts no other', async () => {
      const isolation = open()
      await perform(isolation, jobs.spin, null, async ({ run, progress }) => {
        const [spinning] = await progress<[number, number]>()
        const idle = await pidOf(isolation)
        expect([isRunning(spinning), isRunning(idle)]).toEqual([true, true])
        await isolation.stop()
        expect([isRunning(spinning), isRunning(idle)]).toEqual([false, false])
        expect(await run.done).toMatchObject({ kind: 'stopped', reason: 'shutdown', how: 'killed' })
      })
      expect(failureOf(await perform(isolation, jobs.tell, null)).message).toMatch(/the worker is stopping$/)
      expect(isolation.pids).toEqual([])
    })

    it('is safe twice and without a start', async () => {
      const isolation = open()
      await Promise.all([isolation.stop(), isolation.stop()])
    })
  })
})

describe('a worker with isolated jobs', () => {
  const start = () =>
    startProcess({
      entry: 'apps/worker/src/isolation/fixtures/run-isolated.ts',
      args: [bed.url, JOBS],
      until: ({ json }) => json?.msg === 'ready',
    })

  it('takes its processes with it when it is killed, also one that never lets go of the event loop', async () => {
    const worker = await start()
    const job = await bed.add(jobs.spin, null)
    const pids = (await bed.readWhen(job, ({ progress }) => progress !== null)).progress as number[]
    expect(pids.map(isRunning)).toEqual([true, true])
    await worker.kill()
    await waitUntil(() => !pids.some(isRunning))
  })

  it('logs what its processes print, cut to the limits, with the job that did', async () => {
    const worker = await start()
    const lines = ['hello', 'x'.repeat(100_000), ...Array.from({ length: 2000 }, (_, i) => `line ${i}`)]
    const job = await bed.end(await bed.add(jobs.print, lines))
    const about = { jobId: job.id, jobType: 'iso.print', attempt: 1, isolatedPid: expect.any(Number) }
    const find = async (text: RegExp) => (await worker.waitForLine(({ json }) => text.test(String(json?.msg)))).json
    expect(await find(/^hello$/)).toMatchObject({ ...about, level: 'info' })
    expect(await find(/^x+… \[cut from 100000 characters\]$/)).toMatchObject(about)
    expect(await find(/^1000 lines printed; what comes after is left out$/)).toMatchObject({ ...about, level: 'warn' })
    const next = await bed.end(await bed.add(jobs.print, []))
    const said = await worker.waitForLine(({ json }) => json?.msg === 'that was all' && json.jobId === next.id)
    expect(said.json).toMatchObject({ level: 'warn' })
    expect(worker.lines.filter(({ json }) => json?.jobId === job.id)).toHaveLength(1001)
  })
})
