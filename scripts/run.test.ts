import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { startProcess, type TestProcess, temporaryFolder } from '@foliot/testkit'
import { beforeEach, describe, expect, it } from 'vitest'

/** Notes how it was called, and brings the Node that a real install would bring. */
const NPX = `#!/bin/sh
echo "$* CI=$CI NODE_ENV=$NODE_ENV" >> npx.log
if [ "$FAKE_INSTALL" = broken ]; then echo "ERR_OF_THE_INSTALLER"; exit 7; fi
mkdir -p node_modules/.bin && ln -sf "${process.execPath}" node_modules/.bin/node
`
const ECHO = `
  console.log(JSON.stringify({ args: process.argv.slice(2), execArgv: process.execArgv }))
  process.exitCode = Number(process.argv[2] ?? 0)
`
/** Tells how many SIGINTs come until well after the time in which run.mjs passes one on. */
const COUNT = `
  let count = 0
  process.on('SIGINT', () => {
    process.send('SIGINT')
    console.log('told')
    if (++count === 1) setTimeout(() => process.exit(10 + count), 1000)
  })
  process.on('SIGTERM', () => process.exit(5))
  setInterval(() => {}, 1000)
  console.log('up')
`

let root: string
beforeEach(async () => {
  root = await temporaryFolder()
  const files = {
    'package.json': '{"packageManager": "pnpm@1.2.3"}',
    'pnpm-workspace.yaml': 'packages:\n  - packages/*\n  - tool\n\ncatalog:\n  - not/*\n',
    'pnpm-lock.yaml': 'one',
    'packages/a/package.json': '{}',
    'tool/package.json': '{}',
    'bin/npx': NPX,
    'scripts/echo.ts': ECHO,
    'scripts/count.ts': COUNT,
  }
  for (const [file, text] of Object.entries(files)) await change(file, text)
  await chmod(join(root, 'bin/npx'), 0o755)
  await copyFile(join(import.meta.dirname, 'run.mjs'), join(root, 'scripts/run.mjs'))
})

async function change(file: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, file)), { recursive: true })
  await writeFile(join(root, file), text)
}

function run(args: string[], options: { env?: Record<string, string>; until?: string; ownGroup?: boolean } = {}) {
  return startProcess({
    entry: join(root, 'scripts/run.mjs'),
    args,
    cwd: '/',
    env: { PATH: `${join(root, 'bin')}:${process.env.PATH}`, ...options.env },
    ...(options.until !== undefined && { until: ({ text }) => text === options.until }),
    ownGroup: options.ownGroup ?? false,
  })
}

async function codeOf(child: Promise<TestProcess>): Promise<number | null> {
  return (await (await child).exited).code
}

async function installs(): Promise<number> {
  const log = join(root, 'npx.log')
  return existsSync(log) ? (await readFile(log, 'utf8')).trimEnd().split('\n').length : 0
}

describe('run.mjs', () => {
  it('installs what the lockfile says, in one line, then runs the script with its arguments', async () => {
    const child = await run(['echo', '3', '--flag', 'a b'], { env: { NODE_ENV: 'production' } })
    expect(await child.exited).toEqual({ code: 3, signal: null })
    expect(child.errorText).toBe('Installing packages …\n')
    expect(child.lines.map(({ json }) => json)).toEqual([
      { args: ['3', '--flag', 'a b'], execArgv: ['--conditions=source'] },
    ])
    expect(await readFile(join(root, 'npx.log'), 'utf8')).toBe(
      '--yes pnpm@1.2.3 install --frozen-lockfile CI=true NODE_ENV=\n',
    )
  })

  it('installs again only when the lockfile or a package.json has changed', async () => {
    for (const [file, text, count] of [
      ['pnpm-lock.yaml', 'one', 1],
      ['scripts/other.ts', 'any', 1],
      ['pnpm-lock.yaml', 'two', 2],
      ['packages/a/package.json', '{"name": "a"}', 3],
      ['tool/package.json', '{"name": "tool"}', 4],
      ['package.json', '{"packageManager": "pnpm@1.2.4"}', 5],
      ['packages/b/package.json', '{}', 6],
      ['packages/b/src/index.ts', '', 6],
    ] as const) {
      await change(file, text)
      expect(await codeOf(run(['echo']))).toBe(0)
      expect([file, await installs()]).toEqual([file, count])
    }
    await rm(join(root, 'node_modules'), { recursive: true })
    expect(await codeOf(run(['echo']))).toBe(0)
    expect(await installs()).toBe(7)
  })

  it('shows what the installer said when it fails, runs nothing, and tries again the next time', async () => {
    const child = await run(['echo'], { env: { FAKE_INSTALL: 'broken' } })
    expect([(await child.exited).code, child.lines]).toEqual([1, []])
    expect(child.errorText).toMatch(/ERR_OF_THE_INSTALLER\n\nThe packages could not be installed: pnpm@1.2.3/)
    expect(await codeOf(run(['echo']))).toBe(0)
  })

  it('names the scripts there are when it gets another name', async () => {
    const child = await run(['../echo'])
    expect((await child.exited).code).toBe(1)
    expect(child.errorText).toBe('Expected the name of a script (count, echo), got "../echo".\n')
    expect(await installs()).toBe(0)
  })

  it('hands on a SIGTERM that reached it alone', async () => {
    const child = await run(['count'], { until: 'up' })
    child.signal('SIGTERM')
    expect(await child.exited).toEqual({ code: 5, signal: null })
  })

  it('does not double a Ctrl-C that the script has got itself', async () => {
    const child = await run(['count'], { until: 'up', ownGroup: true })
    child.signalGroup('SIGINT')
    await child.waitForLine(({ text }) => text === 'told')
    // npm, which is in the group too, hands on what we have already got.
    child.signal('SIGINT')
    expect(await child.exited).toEqual({ code: 11, signal: null })
  })

  it('hands on a SIGINT that reached it alone', async () => {
    const child = await run(['count'], { until: 'up' })
    child.signal('SIGINT')
    expect(await child.exited).toEqual({ code: 11, signal: null })
  })

  it('stops the script when npm, which hands no signal on, has gone', async () => {
    const npm = join(root, 'bin/npm')
    // As npm does: a shell in between, which dies of the signal that its child never sees.
    await writeFile(npm, `#!/bin/sh\nnpm_lifecycle_event=start "${process.execPath}" "$1" count; exit $?\n`, {
      mode: 0o755,
    })
    const shell = await startProcess({
      command: [npm],
      entry: join(root, 'scripts/run.mjs'),
      env: { PATH: `${join(root, 'bin')}:${process.env.PATH}` },
      until: ({ text }) => text === 'up',
    })
    shell.signal('SIGKILL')
    // The output ends when the script does.
    expect(await shell.exited).toEqual({ code: null, signal: 'SIGKILL' })
  })

  it('ends with the shell’s code for a signal when that ended the script', async () => {
    await change('scripts/die.ts', `process.kill(process.pid, 'SIGKILL')`)
    expect(await codeOf(run(['die']))).toBe(137)
  })
})
