import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { startApp } from './start-app.ts'
import { startProcess } from './start-process.ts'
import { temporaryFolder } from './temporary-folder.ts'

const dir = await temporaryFolder()
let written = 0

/** A file with this source. */
async function entry(source: string): Promise<string> {
  const file = join(dir, `${++written}.ts`)
  await writeFile(file, source)
  return file
}

const ticking = await entry(`
  let n: number = 0
  setInterval(() => console.log(JSON.stringify({ msg: 'tick', n: ++n })), 5)
`)

describe('startProcess', () => {
  it('waits for the line asked for, and finds lines again or later', async () => {
    const child = await startProcess({ entry: ticking, until: ({ json }) => json?.n === 3 })
    expect(child.lines.slice(0, 3).map(({ json }) => json)).toEqual([1, 2, 3].map((n) => ({ msg: 'tick', n })))
    expect((await child.waitForLine(({ json }) => json?.msg === 'tick')).json?.n).toBe(1)
    const from = child.lines.length
    expect((await child.waitForLine(({ json }) => json?.msg === 'tick', { from })).json?.n).toBe(from + 1)
    expect(await child.kill()).toEqual({ code: null, signal: 'SIGKILL' })
  })

  it('says what came instead, when no such line comes in time', async () => {
    const child = await startProcess({ entry: await entry(`console.log('hello'); setInterval(() => {}, 1000)`) })
    await child.waitForLine(({ text }) => text === 'hello')
    await expect(child.waitForLine(({ text }) => text === 'bye', { timeoutMs: 20 })).rejects.toThrow(
      /wrote no line within 20 ms that matches .*bye.*--- output:\nhello/s,
    )
  })

  it('says how the process ended, with its output and its errors, when it ends before the line', async () => {
    const failing = await entry(`console.log('almost'); console.error('no room'); process.exitCode = 3`)
    await expect(startProcess({ entry: failing, until: ({ text }) => text === 'ready' })).rejects.toThrow(
      /ended with code 3 before it wrote a line.*--- output:\nalmost\n--- standard error:\nno room/s,
    )
  })

  it('passes on arguments and the variables given, and no others', async () => {
    vi.stubEnv('FOLIOT_TESTKIT_LEAK', 'leaked')
    const telling = await entry(`console.log(JSON.stringify({ env: process.env, argv: process.argv.slice(2) }))`)
    const child = await startProcess({ entry: telling, args: ['a b'], env: { FOLIOT_API_PORT: '1' } })
    vi.unstubAllEnvs()
    await child.exited
    const { env, argv } = (child.lines[0]?.json ?? {}) as { env: Record<string, string>; argv: string[] }
    expect(argv).toEqual(['a b'])
    expect(Object.keys(env).sort()).toEqual(['FOLIOT_API_PORT', 'HOME', 'NODE_COMPILE_CACHE', 'PATH'])
  })

  it('stops by SIGTERM, twice without harm, and with the block of `await using`', async () => {
    const graceful = await entry(`
      process.on('SIGTERM', () => { console.log('bye'); process.exit(0) })
      setInterval(() => {}, 1000)
      console.log('up')
    `)
    const start = () => startProcess({ entry: graceful, until: ({ text }) => text === 'up' })
    const child = await start()
    expect(await Promise.all([child.stop(), child.stop()])).toEqual(Array(2).fill({ code: 0, signal: null }))
    expect(child.lines.at(-1)?.text).toBe('bye')
    let exited: Promise<unknown>
    {
      await using scoped = await start()
      exited = scoped.exited
    }
    expect(await exited).toEqual({ code: 0, signal: null })
  })

  it('signals a whole group, and refuses to do so to the group of the tests', async () => {
    const parent = await entry(`
      import { spawn } from 'node:child_process'
      spawn(process.execPath, [${JSON.stringify(ticking)}], { stdio: 'inherit' })
    `)
    const child = await startProcess({ entry: parent, ownGroup: true, until: ({ json }) => json?.msg === 'tick' })
    child.signalGroup('SIGINT')
    // The output ends only when both have.
    expect(await child.exited).toMatchObject({ signal: 'SIGINT' })
    const single = await startProcess({ entry: ticking })
    expect(() => single.signalGroup('SIGINT')).toThrow('expected `ownGroup: true`')
  })

  it('runs any command', async () => {
    const child = await startProcess({ command: ['sh', '-c'], entry: 'echo "$0 $1"', args: ['x', 'y'] })
    await child.exited
    expect(child.lines.map(({ text, json }) => [text, json])).toEqual([['x y', undefined]])
    await expect(startProcess({ command: ['/nowhere/program'], entry: 'x' })).rejects.toThrow('ENOENT')
  })
})

describe('startApp', () => {
  it('waits for the app to be ready, tells its URL, and ends it with its input', async () => {
    const app = await startApp(
      await entry(`
        process.stdin.on('end', () => process.exit(process.env.FOLIOT_SUPERVISED === '1' ? 0 : 1)).resume()
        console.log(JSON.stringify({ msg: 'ready' }))
        console.log(JSON.stringify({ msg: 'ready', url: 'http://127.0.0.1:1234/' }))
      `),
      {},
    )
    expect(app.url).toBe('http://127.0.0.1:1234')
    app.closeInput()
    expect(await app.exited).toEqual({ code: 0, signal: null })
  })
})
