import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const folder = fileURLToPath(new URL('.', import.meta.url))

/** The lines that a process writes to its stdout when it runs this code with the logger. */
async function linesOf(code: string): Promise<Record<string, unknown>[]> {
  const main = `import { createLogger, traceBindings } from './index.ts'\n${code}`
  const flags = ['--conditions=source', '--input-type=module-typescript', '--eval', main]
  const { stdout } = await promisify(execFile)(process.execPath, flags, { cwd: folder })
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
}

it('writes JSON lines with a level in words, a time and where they come from', async () => {
  const lines = await linesOf(`
    const log = createLogger({ app: 'worker', level: 'info' })
    log.info({ queue: 'email' }, 'started')
    log.debug('not worth a line')
    log.child({ jobId: 'j1' }).error(new RangeError('too far'))`)
  expect(lines).toMatchObject([
    { level: 'info', app: 'worker', host: hostname(), queue: 'email', msg: 'started' },
    { level: 'error', jobId: 'j1', err: { type: 'RangeError', message: 'too far' }, msg: 'too far' },
  ])
  for (const { time, pid } of lines) {
    expect(time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(pid).toBeGreaterThan(0)
  }
})

it('hides what it was told to', async () => {
  const [line] = await linesOf(`
    createLogger({ app: 'api', level: 'info', redact: ['headers.authorization'] })
      .info({ headers: { authorization: 'Bearer hunter2', accept: '*/*' } }, 'request')`)
  expect(line).toMatchObject({ headers: { authorization: '[redacted]', accept: '*/*' } })
})

it('leaves the trace to the caller while no span is active', async () => {
  const [plain, bound] = await linesOf(`
    const log = createLogger({ app: 'worker', level: 'info' })
    log.info('plain')
    log.child(traceBindings('abc')).info('bound')`)
  expect(plain).not.toHaveProperty('traceId')
  expect(bound).toMatchObject({ traceId: 'abc' })
})

it('lets the process end after whoever read its lines is gone', async () => {
  const code = `
    import { createLogger } from './index.ts'
    const log = createLogger({ app: 'api', level: 'info' })
    process.stdin.resume().on('end', () => {
      for (let i = 0; i < 1000; i++) log.info({ i }, 'nobody reads this')
      process.exit(0)
    })
    log.info('up')`
  const flags = ['--conditions=source', '--input-type=module-typescript', '--eval', code]
  const child = spawn(process.execPath, flags, { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  child.stdout.destroy()
  child.stdin.end()
  const [exitCode] = await once(child, 'exit')
  expect(exitCode).toBe(0)
})
