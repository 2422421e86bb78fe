import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'
import { COUNTS_FILE, type Counts } from './counts.ts'

/**
 * Counts the tests of a run, for Vitest's `--reporter`. A file that failed outside its tests (it does not load, a hook
 * throws, its process crashed) is one failure more.
 */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const file = process.env[COUNTS_FILE]
    if (file === undefined) throw new Error(`expected ${COUNTS_FILE} to name the file for the counts`)
    writeFileSync(file, JSON.stringify(count(modules)))
  }
}

function count(modules: readonly TestModule[]): Counts {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 }
  for (const module of modules) {
    const before = counts.failed
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      // A test that never came to its end was cut off by a crash.
      counts[state === 'pending' ? 'failed' : state]++
    }
    const isBroken = module.state() === 'failed' || module.state() === 'pending' || module.state() === 'queued'
    if (isBroken && counts.failed === before) counts.failed++
  }
  return counts
}
