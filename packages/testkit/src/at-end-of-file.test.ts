import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { startProcess } from './start-process.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { waitUntil } from './wait-until.ts'

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')

/** Runs this source as the only test file of a run of its own. Gives what it wrote as a line of JSON. */
async function runTestFile(source: string): Promise<Record<string, unknown>> {
  const root = await temporaryFolder()
  const conditions = `conditions: ['source', 'node', 'module', 'default']`
  await writeFile(
    join(root, 'vitest.config.mjs'),
    `export default { resolve: { ${conditions} }, ssr: { resolve: { ${conditions} } }, test: { globals: true } }`,
  )
  await writeFile(join(root, 'it.test.ts'), source)
  const run = await startProcess({ command: [process.execPath, vitest], entry: 'run', args: ['--root', root] })
  const { code } = await run.exited
  const line = run.lines.find(({ json }) => json !== undefined)?.json
  if (line === undefined) throw new Error(run.lines.map(({ text }) => text).join('\n') + run.errorText)
  return { ...line, code }
}

it('ends what a failed test left running', async () => {
  const report = await runTestFile(`
    import { startProcess, startRedis } from ${JSON.stringify(new URL('./index.ts', import.meta.url).pathname)}
    it('leaves things behind', async () => {
      const child = await startProcess({ command: ['sleep'], entry: '600' })
      const redis = await startRedis()
      process.stdout.write(JSON.stringify({ pids: [child.pid, redis.pid], dir: redis.dir }) + '\\n')
      throw new Error('and fails')
    })
  `)
  const { pids, dir, code } = report as { pids: number[]; dir: string; code: number }
  expect({ code, dirIsThere: existsSync(dir) }).toEqual({ code: 1, dirIsThere: false })
  for (const pid of pids) await waitUntil(() => !isRunning(pid))
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
