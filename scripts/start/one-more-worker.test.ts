import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startRedis } from '@foliot/local-services'
import { startProcess, type TestProcess, temporaryFolder } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'

/** A worker as the commands know it: tells what it was told, ends on SIGTERM or with its input. */
const WORKER = `
  const { FOLIOT_REDIS_URL, FOLIOT_JOBS, FAKE_REFUSAL, FAKE_STUBBORN } = process.env
  if (FAKE_REFUSAL !== undefined) { console.log(FAKE_REFUSAL); process.exit(78) }
  process.on('SIGTERM', () => FAKE_STUBBORN === undefined ? process.exit(0) : console.log('I stay'))
  process.stdin.on('end', () => process.exit(0)).resume()
  console.log(FOLIOT_REDIS_URL, FOLIOT_JOBS)
`

/** As scripts/worker.ts, for a worker of the test. */
const COMMAND = `
  const [, , start, entry, dataDir] = process.argv
  const { runOneMoreWorker } = await import(start + '/one-more-worker.ts')
  const { readSettings } = await import(start + '/settings.ts')
  const { openOutput } = await import(start + '/output.ts')
  const { listenForStop } = await import(start + '/stop-requests.ts')
  const options = { settings: readSettings(process.env), env: process.env, entry, dataDir, requests: listenForStop() }
  const code = await runOneMoreWorker({ ...options, output: openOutput(process.stdout, false) }).catch((error) => {
    console.log(error.message)
    return 1
  })
  process.exit(code)
`

async function run(until: RegExp, dataDir: string, env: Record<string, string> = {}): Promise<TestProcess> {
  const dir = await temporaryFolder()
  await writeFile(join(dir, 'worker.mjs'), WORKER)
  await writeFile(join(dir, 'command.mjs'), COMMAND)
  return startProcess({
    entry: join(dir, 'command.mjs'),
    args: [import.meta.dirname, join(dir, 'worker.mjs'), dataDir],
    env,
    until: ({ text }) => until.test(text),
    ownGroup: true,
  })
}

describe('runOneMoreWorker', () => {
  it('works for the Foliot that runs here, with the jobs it is given, until Ctrl-C', async () => {
    const dataDir = await temporaryFolder()
    const redis = await startRedis({ dir: join(dataDir, 'redis') })
    const worker = await run(/redis:/, dataDir, { FOLIOT_JOBS: 'mine' })
    expect(worker.lines[0]?.text).toBe('One more worker for mine. Ctrl-C stops it.')
    expect(worker.lines.at(-1)?.text).toContain(` worker ${redis.url} mine`)
    worker.signalGroup('SIGINT')
    expect(await worker.exited).toEqual({ code: 0, signal: null })
    expect(worker.lines.at(-1)?.text).toMatch(/^Stopping worker … /)
    await redis.stop()
  })

  it('works for another Redis if one is named', async () => {
    const url = 'redis://elsewhere:1'
    const worker = await run(/redis:/, await temporaryFolder(), { FOLIOT_REDIS_URL: url })
    expect(worker.lines.at(-1)?.text).toContain(` ${url} @foliot/example-demo,`)
    await worker.stop()
  })

  it('says what to do when nothing runs here', async () => {
    const worker = await run(/npm start/, await temporaryFolder())
    expect(await worker.exited).toEqual({ code: 1, signal: null })
    expect(worker.lines[0]?.text).toMatch(
      /^Expected a Foliot to work for, got none: no Redis runs on .*redis, and FOLIOT_/,
    )
  })

  it('ends when the worker refuses its configuration, and shows what it said', async () => {
    const env = { FOLIOT_REDIS_URL: 'redis://elsewhere:1', FAKE_REFUSAL: 'FOLIOT_JOBS: no such module' }
    const worker = await run(/refuses its configuration/, await temporaryFolder(), env)
    expect(await worker.exited).toEqual({ code: 1, signal: null })
    expect(worker.lines.map(({ text }) => text).join('\n')).toContain('worker FOLIOT_JOBS: no such module')
  })

  it('kills a worker that does not end, at the second Ctrl-C', async () => {
    const env = { FOLIOT_REDIS_URL: 'redis://elsewhere:1', FAKE_STUBBORN: 'yes' }
    const worker = await run(/redis:/, await temporaryFolder(), env)
    worker.signalGroup('SIGINT')
    await worker.waitForLine(({ text }) => text.includes('I stay'))
    worker.signalGroup('SIGINT')
    expect(await worker.exited).toEqual({ code: 130, signal: null })
  })
})
