import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { startProcess, temporaryFolder } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { COUNTS_FILE, type Counts, finalCounts } from './counts.ts'

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')

/** Runs these test files for real, and counts what came of them. */
async function countRun(files: Record<string, string>): Promise<Counts> {
  const dir = await temporaryFolder()
  for (const [name, source] of Object.entries(files)) await writeFile(join(dir, `${name}.test.js`), source)
  const counts = join(dir, 'counts.json')
  const reporter = join(import.meta.dirname, 'count-reporter.ts')
  const run = await startProcess({
    command: [process.execPath, vitest],
    entry: 'run',
    args: ['--root', dir, '--globals', `--reporter=${reporter}`],
    env: { [COUNTS_FILE]: counts },
  })
  const { code } = await run.exited
  return finalCounts(existsSync(counts) ? await readFile(counts, 'utf8') : undefined, code ?? 1)
}

const good = `it('a', () => {}); it('b', () => {}); it.skip('c', () => {}); it.todo('d')`

describe('the counts of npm test', () => {
  it('tell what passed, failed and was skipped', async () => {
    const bad = `it('a', () => { throw new Error('x') }); it('b', () => {})`
    expect(await countRun({ good, bad })).toEqual({ passed: 3, failed: 1, skipped: 2 })
  })

  it('take a file that cannot be loaded, and one whose hook throws, as failed', async () => {
    const broken = `import './missing.js'\nit('a', () => {})`
    const hook = `afterAll(() => { throw new Error('x') }); it('a', () => {})`
    expect(await countRun({ good, broken, hook })).toEqual({ passed: 3, failed: 2, skipped: 2 })
  })

  it('take a file whose process dies as failed', async () => {
    const crash = `it('a', () => { process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}) })`
    expect(await countRun({ good, crash })).toEqual({ passed: 2, failed: 1, skipped: 2 })
  })

  it('take an error that no test caught as failed', async () => {
    const stray = `
      it('a', async () => {
        setImmediate(() => { throw new Error('x') })
        await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
      })`
    expect(await countRun({ stray })).toEqual({ passed: 1, failed: 1, skipped: 0 })
  })

  it('take a run without tests as failed', async () => {
    expect(await countRun({})).toMatchObject({ passed: 0, failed: 1 })
    expect(finalCounts(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 })
  })
})
