import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { startProcess, temporaryFolder } from '@foliot/testkit'
import { beforeAll, describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '../..')

/** Which of these files Biome refuses under our configuration, with the rules that do: `<file> <rule>`. */
async function refused(files: Readonly<Record<string, string>>): Promise<string[]> {
  const dir = await temporaryFolder()
  const config = JSON.parse(await readFile(join(root, 'biome.json'), 'utf8')) as object
  // The folder is in no repository.
  await writeFile(join(dir, 'biome.json'), JSON.stringify({ ...config, vcs: { enabled: false } }))
  for (const [file, source] of Object.entries(files)) {
    await mkdir(dirname(join(dir, file)), { recursive: true })
    await writeFile(join(dir, file), source)
  }
  const biome = join(root, 'node_modules/.bin/biome')
  const run = await startProcess({
    command: [biome],
    entry: 'lint',
    args: ['--reporter=github', '--max-diagnostics=none', '.'],
    cwd: dir,
  })
  await run.exited
  const found = run.lines.map(({ text }) => /title=lint\/\w+\/(\w+),file=([^,]+)/.exec(text))
  return [
    ...new Set(found.flatMap((match) => (match === null ? [] : [`${relative(dir, match[2] ?? '')} ${match[1]}`]))),
  ].sort()
}

const use = (module: string): string => `export { it } from '${module}'\n`

const FORBIDDEN: [file: string, module: string][] = [
  ['packages/jobs/src/a.ts', '@foliot/settings'],
  ['packages/jobs/src/a.ts', 'ioredis'],
  ['packages/settings/src/a.ts', '@foliot/jobs'],
  ['packages/telemetry/src/a.ts', '@foliot/jobs'],
  ['packages/retries/src/a.ts', '@foliot/queue'],
  ['packages/retries/src/a.ts', 'bullmq'],
  ['packages/schedules/src/a.ts', '@foliot/queue'],
  ['packages/schedules/src/a.ts', 'bullmq'],
  ['packages/queue/src/a.ts', '@foliot/retries'],
  ['packages/queue/src/a.ts', '@foliot/testkit'],
  ['packages/queue/src/a.ts', '@foliot/idempotency'],
  ['packages/idempotency/src/a.ts', '@foliot/queue'],
  ['packages/idempotency/src/a.ts', 'bullmq'],
  ['packages/client/src/a.ts', '@foliot/queue'],
  ['packages/history/src/a.ts', '@foliot/queue'],
  ['packages/lifecycle/src/a.ts', '@foliot/queue'],
  ['packages/local-services/src/a.ts', '@foliot/jobs'],
  ['packages/testkit/src/a.ts', '@foliot/queue'],
  ['examples/demo/src/a.ts', '@foliot/queue'],
  ['examples/demo/src/a.ts', 'bullmq'],
  ['apps/api/src/a.ts', '@foliot/worker'],
  ['apps/api/src/a.ts', '@foliot/recorder'],
  ['apps/api/src/a.ts', '@foliot/cli'],
  ['apps/cli/src/a.ts', '@foliot/api'],
  ['apps/api/src/a.ts', '@foliot/example-demo'],
  ['apps/api/src/a.ts', '@foliot/testkit'],
  ['apps/api/src/a.ts', 'bullmq'],
  ['apps/api/src/a.ts', '../../worker/src/main.ts'],
  ['apps/api/src/a.test.ts', 'bullmq'],
  ['apps/api/src/a.test.ts', '@foliot/worker'],
  ['scripts/a.ts', '@foliot/testkit'],
  ['bench/src/a.ts', '@foliot/testkit'],
  ['packages/a-new-one/src/a.ts', 'bullmq'],
  ['packages/a-new-one/src/a.ts', '../../jobs/src/limits.ts'],
]

describe('the arrows between packages', () => {
  // Biome takes longer to start than to look at all of them. None is another's: they do not import each other.
  const named = (file: string, n: number): string => file.replace('/a.', `/a${n}.`)
  let found: string[]
  beforeAll(async () => {
    found = await refused(Object.fromEntries(FORBIDDEN.map(([file, module], n) => [named(file, n), use(module)])))
  })

  it.each(FORBIDDEN.map((row, n) => [...row, n] as const))('forbid %s to import %s', (file, _, n) => {
    const own = named(file, n)
    expect(found.filter((line) => line.startsWith(`${own} `))).toEqual([`${own} noRestrictedImports`])
  })

  it('allow what the design allows', async () => {
    const allowed: [string, string][] = [
      ['packages/retries/src/a.ts', '@foliot/jobs'],
      ['packages/queue/src/b.ts', '@foliot/jobs'],
      ['packages/queue/src/c.ts', 'bullmq'],
      ['packages/idempotency/src/m.ts', '@foliot/jobs'],
      ['packages/queue/src/d.test.ts', '@foliot/testkit'],
      ['packages/testkit/src/e.ts', '@foliot/local-services'],
      ['packages/client/src/f.ts', '@foliot/jobs'],
      ['packages/history/src/n.ts', '@foliot/jobs'],
      ['packages/lifecycle/src/o.ts', '@foliot/access'],
      ['packages/schedules/src/p.ts', '@foliot/jobs'],
      ['examples/demo/src/g.ts', '@foliot/jobs'],
      ['apps/api/src/h.ts', '@foliot/queue'],
      ['apps/api/src/i.test.ts', '@foliot/testkit'],
      ['apps/api/src/routes/j.ts', '../problem.ts'],
      ['scripts/k.ts', '@foliot/local-services'],
      ['bench/src/l.ts', 'bullmq'],
    ]
    expect(await refused(Object.fromEntries(allowed.map(([file, module]) => [file, use(module)])))).toEqual([])
  })

  it('forbid a cycle of imports', async () => {
    const cycle = { 'packages/queue/src/a.ts': use('./b.ts'), 'packages/queue/src/b.ts': use('./a.ts') }
    expect(await refused(cycle)).toEqual(Object.keys(cycle).map((file) => `${file} noImportCycles`))
  })
})

describe('process.env', () => {
  it('is read in env.ts, in the main.ts of an app and in the scripts alone', async () => {
    const read = 'export const path = process.env.PATH\n'
    const imported = `import { env } from 'node:process'\nexport const path = env.PATH\n`
    const files = {
      'packages/queue/src/a.ts': read,
      'packages/queue/src/b.ts': imported,
      'packages/queue/src/main.ts': read,
      'packages/queue/src/env.ts': read,
      'apps/api/src/main.ts': read,
      'scripts/a.ts': read,
    }
    const forbidden = ['packages/queue/src/a.ts', 'packages/queue/src/b.ts', 'packages/queue/src/main.ts']
    expect(await refused(files)).toEqual(forbidden.map((file) => `${file} noProcessEnv`))
  })
})
