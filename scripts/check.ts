// npm run check: everything about the code but its tests. With names, only those steps: `npm run check -- types`.
import { join } from 'node:path'
import { brokenDocLinks } from './check/doc-links.ts'
import { envNameProblems } from './check/env-names.ts'
import { lastLine } from './suite/last-line.ts'
import { runProgram } from './suite/run-program.ts'

const root = join(import.meta.dirname, '..')

interface StepResult {
  passed: boolean
  /** What to show if it failed. */
  output: string
}

/** Runs a program that the workspace has installed; it passes with exit code 0. */
function program(name: string, ...args: string[]): () => Promise<StepResult> {
  return async () => {
    let output = ''
    const exitCode = await runProgram(join(root, 'node_modules/.bin', name), {
      args,
      cwd: root,
      onOutput: (text) => {
        output += text
      },
    })
    return { passed: exitCode === 0, output }
  }
}

/** Passes if there are no problems. */
function problems(find: (root: string) => Promise<string[]>): () => Promise<StepResult> {
  return async () => {
    const found = await find(root)
    return { passed: found.length === 0, output: found.join('\n') }
  }
}

const importRules = ['style/noRestrictedImports', 'suspicious/noImportCycles'].map((rule) => `--only=${rule}`)

const STEPS: Readonly<Record<string, () => Promise<StepResult>>> = {
  style: program('biome', 'check', '--error-on-warnings', '.'),
  imports: program('biome', 'lint', ...importRules, '.'),
  types: program('tsc', '-b'),
  unused: program('knip'),
  versions: program('sherif'),
  'doc-links': problems(brokenDocLinks),
  'env-names': problems(envNameProblems),
}

async function main(names: readonly string[]): Promise<boolean> {
  const known = Object.keys(STEPS)
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length > 0) throw new Error(`Expected names of steps (${known.join(', ')}), got ${unknown.join(', ')}.`)

  const results: [string, StepResult][] = []
  for (const [name, run] of Object.entries(STEPS)) {
    if (names.length > 0 && !names.includes(name)) continue
    const startedAt = performance.now()
    const result = await run().catch((error): StepResult => ({ passed: false, output: String(error) }))
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    console.log(`${result.passed ? '✓' : '✗'} ${name} (${seconds} s)`)
    if (!result.passed) console.log(`${result.output.trim()}\n`)
    results.push([name, result])
  }
  const failed = results.filter(([, { passed }]) => !passed).map(([name]) => name)
  if (failed.length > 0) console.log(`\nFailed: ${failed.join(', ')}`)
  console.log(`\n${lastLine({ passed: results.length - failed.length, failed: failed.length })}`)
  return failed.length === 0
}

try {
  process.exit((await main(process.argv.slice(2))) ? 0 : 1)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  console.log(`\n${lastLine({ passed: 0, failed: 1 })}`)
  process.exit(1)
}
