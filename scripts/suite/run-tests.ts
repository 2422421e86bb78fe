import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findRedisServer } from '@foliot/local-services'
import { COUNTS_FILE, type Counts, finalCounts, NO_RUN } from '../test/counts.ts'
import { lastLine } from './last-line.ts'
import { runProgram } from './run-program.ts'

const root = join(import.meta.dirname, '../..')

/**
 * Runs tests by Vitest, prints their counts as the last line, and ends this process as they ended.
 *
 * @param args for Vitest.
 */
export async function runTestSuite(args: readonly string[]): Promise<never> {
  let counts = NO_RUN
  try {
    counts = await runTests(args)
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
  }
  console.log(`\n${lastLine(counts)}`)
  process.exit(counts.failed === 0 ? 0 : 1)
}

async function runTests(args: readonly string[]): Promise<Counts> {
  await findRedisServer()
  const dir = await mkdtemp(join(tmpdir(), 'foliot-test-counts-'))
  const counts = join(dir, 'counts.json')
  try {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs')
    const reporters = ['--reporter=default', `--reporter=${join(root, 'scripts/test/count-reporter.ts')}`]
    const exitCode = await runProgram(process.execPath, {
      args: [vitest, 'run', ...reporters, ...args],
      cwd: root,
      env: { ...withoutSettings(process.env), [COUNTS_FILE]: counts },
    })
    return finalCounts(existsSync(counts) ? await readFile(counts, 'utf8') : undefined, exitCode)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

/** A setting of the machine's user must not decide whether a test passes. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('FOLIOT_')))
}
