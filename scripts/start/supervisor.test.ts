import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { askRedis, findRedisServer, freePort } from '@foliot/local-services'
import { askPostgres, atEndOfFile, startProcess, type TestProcess, temporaryFolder, waitUntil } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'

/** An app as the supervisor knows it: logs that it is ready, answers, ends on SIGTERM or with its input. */
const APP = `
  import { createServer } from 'node:http'
  import { connect } from 'node:net'
  const [name] = process.argv[1].split('/').at(-1).split('.')
  const log = (msg, more = {}) => console.log(JSON.stringify({ level: 30, time: Date.now(), msg, ...more }))
  const { FOLIOT_REDIS_URL, FOLIOT_DATABASE_URL, FOLIOT_API_PORT, FOLIOT_JOBS } = process.env
  const { FOLIOT_SUPERVISED, FAKE_STUBBORN } = process.env
  const stop = () => {
    if (FAKE_STUBBORN === name) return log('I stay')
    const redis = connect(new URL(FOLIOT_REDIS_URL).port, '127.0.0.1')
    redis.on('connect', () => { log(name + ' ends before redis'); process.exit(0) })
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', () => log('SIGINT reached me'))
  if (FOLIOT_SUPERVISED === '1') process.stdin.on('end', stop).resume()
  const port = name === 'api' ? Number(FOLIOT_API_PORT) : 0
  const server = createServer((request, response) => response.end(request.url)).listen(port, '127.0.0.1', () => {
    const url = 'http://127.0.0.1:' + server.address().port
    const redisPort = new URL(FOLIOT_REDIS_URL).port
    log('ready', { url, ownPid: process.pid, jobs: FOLIOT_JOBS, redisPort, databaseUrl: FOLIOT_DATABASE_URL })
  })
`

/** As scripts/start.ts, for apps of the test. */
const START = `
  const [, , start, api, worker, recorder, scheduler, cli, dataDir] = process.argv
  const { supervise } = await import(start + '/supervisor.ts')
  const { readSettings } = await import(start + '/settings.ts')
  const { openOutput } = await import(start + '/output.ts')
  const { listenForStop } = await import(start + '/stop-requests.ts')
  const requests = listenForStop()
  const options = { settings: readSettings(process.env), env: process.env, entries: { api, worker, recorder, scheduler, cli }, dataDir, requests }
  const code = await supervise({ ...options, output: openOutput(process.stdout, false) }).catch((error) => {
    console.log(error.message)
    return 1
  })
  process.exit(code)
`

/** The command foliot as the supervisor knows it. */
const CLI = `
  const { FAKE_KEY, FOLIOT_DATABASE_URL } = process.env
  if (FAKE_KEY === 'broken') console.error('no luck at ' + FOLIOT_DATABASE_URL)
  else if (FAKE_KEY === undefined) console.error('There are keys: none was made.')
  else console.log(JSON.stringify({ key: FAKE_KEY, args: process.argv.slice(2) }))
`

const APPS = ['api', 'worker', 'recorder', 'scheduler'] as const

/** The last line of the screen. */
const READY = 'Ctrl-C stops it.'

const isReady = (line: string, app: string): boolean => new RegExp(` ${app} +info +ready `).test(line)

interface Started extends TestProcess {
  /** A fact that an app told when it was ready, the latest. */
  told(app: (typeof APPS)[number], field: string): string
}

/** Making its data takes longer than the rest of a start. The apps of the test do not connect. */
const NO_PRIVATE_POSTGRES = { FOLIOT_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' }

interface StartOptions {
  env?: Record<string, string>
  dataDir?: string
  worker?: string
  /** Those that are to be ready. Default: all. */
  apps?: readonly (typeof APPS)[number][]
  /** The line that ends the start. */
  until?: string
}

async function start({
  env = {},
  dataDir,
  worker = APP,
  apps = APPS,
  until = READY,
}: StartOptions = {}): Promise<Started> {
  const dir = await temporaryFolder()
  const files = { start: START, api: APP, worker, recorder: APP, scheduler: APP, cli: CLI }
  for (const [name, source] of Object.entries(files)) await writeFile(join(dir, `${name}.mjs`), source)
  const supervisor = await startProcess({
    entry: join(dir, 'start.mjs'),
    args: [
      import.meta.dirname,
      ...[...APPS, 'cli'].map((app) => join(dir, `${app}.mjs`)),
      dataDir ?? join(dir, 'data'),
    ],
    env: { FOLIOT_API_PORT: String(await freePort()), ...NO_PRIVATE_POSTGRES, ...env },
    until: ({ text }) => text.startsWith(until),
    ownGroup: true,
  })
  if (until === READY) for (const app of apps) await supervisor.waitForLine((line) => isReady(line.text, app))
  const told = (app: string, field: string): string => {
    const line = supervisor.lines.findLast((line) => isReady(line.text, app))
    return new RegExp(` ${field}=(\\S+)`).exec(line?.text ?? '')?.[1] ?? ''
  }
  // The apps are in groups of their own, so that a supervisor that is killed by a failing test leaves them to the test.
  atEndOfFile(async () => {
    for (const app of APPS) endIfAlive(Number(told(app, 'ownPid')))
  })
  return Object.assign(supervisor, { told })
}

function endIfAlive(pid: number): void {
  if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL')
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

const text = (supervisor: TestProcess): string => supervisor.lines.map((line) => line.text).join('\n')

describe('supervise', () => {
  it('shows one screen when all is ready, then the logs, with what the apps were told', async () => {
    const port = await freePort()
    const supervisor = await start({ env: { FOLIOT_API_PORT: String(port), FOLIOT_JOBS: 'one,two' } })
    expect(text(supervisor)).toMatch(new RegExp(`^\nFoliot is running\\.\n\n  REST API +http://127.0.0.1:${port} `))
    expect([supervisor.told('api', 'url'), supervisor.told('worker', 'jobs')]).toEqual([
      `http://127.0.0.1:${port}`,
      'one,two',
    ])
    expect(text(supervisor)).toContain(`redis://127.0.0.1:${supervisor.told('api', 'redisPort')}`)
    await supervisor.stop()
  })

  it.each(['SIGINT', 'SIGTERM'] as const)(
    'on %s to its group stops scheduler, worker, api, recorder, redis in this order',
    async (signal) => {
      const supervisor = await start()
      const redisPort = Number(supervisor.told('worker', 'redisPort'))
      supervisor.signalGroup(signal)
      expect(await supervisor.exited).toEqual({ code: 0, signal: null })
      const ends = supervisor.lines.flatMap(
        (line) => /Stopping.*|\w+ ends before redis|SIGINT reached me/.exec(line.text) ?? [],
      )
      expect(ends).toEqual([
        expect.stringMatching(
          /^Stopping scheduler, then worker, then api, then recorder, then redis … .* up to 10 s to end; a second Ctrl-C/,
        ),
        'scheduler ends before redis',
        'worker ends before redis',
        'api ends before redis',
        'recorder ends before redis',
      ])
      await expect(askRedis({ port: redisPort }, ['PING'])).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    },
  )

  it('says at once that it stops while Redis is still starting, and starts nothing more', async () => {
    const dir = await temporaryFolder()
    const fifo = join(dir, 'fifo')
    // Tells who asked for its version, and answers once somebody listens to that.
    const redis = `#!/bin/sh\n[ -p '${fifo}' ] || exec '${await findRedisServer()}' "$@"
      echo $PPID > '${dir}/asked'; cat '${fifo}'; rm '${fifo}'; exec '${await findRedisServer()}' "$@"`
    await writeFile(join(dir, 'redis-server'), redis, { mode: 0o755 })
    execFileSync('mkfifo', [fifo])
    const starting = start({ env: { PATH: `${dir}:${process.env.PATH}` }, until: 'Stopping' })
    const pid = await waitUntil(async () => Number(await readFile(join(dir, 'asked'), 'utf8')))
    process.kill(pid, 'SIGINT')
    const supervisor = await starting
    await writeFile(fifo, '')
    expect(await supervisor.exited).toEqual({ code: 0, signal: null })
    expect(text(supervisor)).toBe('Stopping as soon as Redis and PostgreSQL have started …')
  })

  it('resumes the data of the last start', async () => {
    const dataDir = await temporaryFolder()
    const first = await start({ dataDir })
    await askRedis({ port: Number(first.told('api', 'redisPort')) }, ['SET', 'kept', 'yes'])
    await first.stop()
    const second = await start({ dataDir })
    expect(await askRedis({ port: Number(second.told('api', 'redisPort')) }, ['GET', 'kept'])).toBe('yes')
    await second.stop()
  })

  it('starts an app again that died', async () => {
    const supervisor = await start()
    const from = supervisor.lines.length
    process.kill(Number(supervisor.told('worker', 'ownPid')), 'SIGKILL')
    await supervisor.waitForLine((line) => line.text === 'worker ended (SIGKILL); starting it again in 0.5 s', { from })
    await supervisor.waitForLine((line) => isReady(line.text, 'worker'), { from })
    expect(await supervisor.stop()).toMatchObject({ code: 0 })
  })

  it('starts its Redis again that died, on the same port and with its data', async () => {
    const supervisor = await start()
    const redis = { port: Number(supervisor.told('api', 'redisPort')) }
    await askRedis(redis, ['SET', 'kept', 'yes'])
    const pid = /process_id:(\d+)/.exec(String(await askRedis(redis, ['INFO', 'server'])))?.[1]
    process.kill(Number(pid), 'SIGKILL')
    await supervisor.waitForLine((line) => line.text.startsWith('redis ended (SIGKILL)'))
    expect(await waitUntil(() => askRedis(redis, ['GET', 'kept']))).toBe('yes')
    expect(await supervisor.stop()).toMatchObject({ code: 0 })
  })

  it('runs a PostgreSQL for the apps, on the same port again if it dies, and stops it last', async () => {
    const dataDir = await temporaryFolder()
    const supervisor = await start({ dataDir, env: { FOLIOT_DATABASE_URL: '' } })
    const url = supervisor.told('api', 'databaseUrl')
    expect(supervisor.told('recorder', 'databaseUrl')).toBe(url)
    expect(text(supervisor)).toMatch(new RegExp(`PostgreSQL +postgres://foliot:\\*{3}@127.* ${dataDir}/postgres$`, 'm'))
    await askPostgres(url, `CREATE TABLE kept AS SELECT 'yes' AS answer`)
    const [pid = ''] = (await readFile(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8')).split('\n')
    process.kill(Number(pid), 'SIGKILL')
    await supervisor.waitForLine((line) => line.text.startsWith('postgres ended (SIGKILL)'))
    expect(await waitUntil(() => askPostgres(url, 'SELECT answer FROM kept'))).toEqual([{ answer: 'yes' }])
    expect(await supervisor.stop()).toEqual({ code: 0, signal: null })
    expect(text(supervisor)).toContain(
      'Stopping scheduler, then worker, then api, then recorder, then redis, then postgres …',
    )
    expect(existsSync(join(dataDir, 'postgres/data/postmaster.pid'))).toBe(false)
  })

  it('runs without history, and says why, if there can be no PostgreSQL', async () => {
    const dataDir = await temporaryFolder()
    await mkdir(join(dataDir, 'postgres/data'), { recursive: true })
    const supervisor = await start({ dataDir, apps: ['api', 'worker'], env: { FOLIOT_DATABASE_URL: '' } })
    expect(text(supervisor)).toMatch(
      /^PostgreSQL could not be started, .*\nexpected the password of the PostgreSQL in /,
    )
    expect(text(supervisor)).toMatch(/PostgreSQL +none +no history is kept$/m)
    expect([supervisor.told('api', 'databaseUrl'), supervisor.told('recorder', 'ownPid')]).toEqual(['""', ''])
    expect(await supervisor.stop()).toEqual({ code: 0, signal: null })
  })

  it('uses the Redis it is given, and leaves it running', async () => {
    const owner = await start()
    const url = `redis://127.0.0.1:${owner.told('api', 'redisPort')}`
    const dataDir = join(await temporaryFolder(), 'unused')
    const guest = await start({ dataDir, env: { FOLIOT_REDIS_URL: url } })
    expect(text(guest)).toMatch(/Redis +redis:.* from FOLIOT_REDIS_URL/)
    expect(await guest.stop()).toMatchObject({ code: 0 })
    expect(existsSync(join(dataDir, 'redis'))).toBe(false)
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false)
    expect(await askRedis({ port: Number(new URL(url).port) }, ['PING'])).toBe('PONG')
    await owner.stop()
  })

  it('shows the first key that it made, and says why if it could not', async () => {
    const supervisor = await start({ env: { FAKE_KEY: 'foliot_the-first' } })
    await supervisor.waitForLine((line) => line.text === '  foliot_the-first')
    await supervisor.stop()
    const broken = await start({ env: { FAKE_KEY: 'broken' } })
    await broken.waitForLine((line) => line.text === `no luck at ${NO_PRIVATE_POSTGRES.FOLIOT_DATABASE_URL}`)
    expect(text(broken)).toContain('No first key could be made:')
    await broken.stop()
  })

  it.each([{ FOLIOT_API_KEYS: 'a-secret-of-some-length' }, { FOLIOT_API_HOST: '0.0.0.0' }])(
    'makes no first key with %j',
    async (env) => {
      const supervisor = await start({ env: { FAKE_KEY: 'foliot_the-first', ...env } })
      await supervisor.stop()
      expect(text(supervisor)).not.toContain('foliot_the-first')
    },
  )

  it('refuses a taken FOLIOT_API_PORT before it starts anything', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as { port: number }
    const dataDir = join(await temporaryFolder(), 'unused')
    const supervisor = await start({ dataDir, env: { FOLIOT_API_PORT: String(port) }, until: `Port ${port}` })
    expect(await supervisor.exited).toEqual({ code: 1, signal: null })
    expect(existsSync(dataDir)).toBe(false)
    taken.close()
  })

  it('refuses a second start on the same data first of all, and says who runs there', async () => {
    const dataDir = await temporaryFolder()
    const first = await start({ dataDir })
    // As in a shared .env: the port is taken too, by the first.
    const env = { FOLIOT_API_PORT: new URL(first.told('api', 'url')).port }
    const second = await start({ dataDir, env, until: 'Foliot runs here already' })
    expect(await second.exited).toEqual({ code: 1, signal: null })
    expect(text(second)).toMatch(
      /^Foliot runs here already, as process (\d+), .*\nTo stop it, .*`kill \1`\..*npm run worker`\.$/,
    )
    await first.stop()
  })

  it('stops everything when an app refuses its configuration, and shows what it said', async () => {
    const worker = `console.error('FOLIOT_JOBS: no such module'); process.exitCode = 78`
    const supervisor = await start({ worker, until: 'The worker refuses its configuration' })
    expect(await supervisor.exited).toEqual({ code: 1, signal: null })
    expect(text(supervisor)).toMatch(/worker FOLIOT_JOBS: no such module\n(.*\n)*The worker refuses its configuration/)
  })

  it('kills whoever does not end, at the second Ctrl-C', async () => {
    const supervisor = await start({ env: { FAKE_STUBBORN: 'worker' } })
    const pids = [supervisor.told('api', 'ownPid'), supervisor.told('worker', 'ownPid')].map(Number)
    supervisor.signalGroup('SIGINT')
    await supervisor.waitForLine((line) => line.text.includes('I stay'))
    supervisor.signalGroup('SIGINT')
    expect(await supervisor.exited).toEqual({ code: 130, signal: null })
    expect(pids.map(isAlive)).toEqual([false, false])
  })

  it('takes its apps with it when it is killed, and a new start takes over at once', async () => {
    const dataDir = await temporaryFolder()
    const killed = await start({ dataDir })
    const pids = [killed.told('api', 'ownPid'), killed.told('worker', 'ownPid')].map(Number)
    await askRedis({ port: Number(killed.told('api', 'redisPort')) }, ['SET', 'kept', 'yes'])
    await killed.kill()
    for (const pid of pids) await waitUntil(() => hasEnded(pid))
    const next = await start({ dataDir })
    expect(await askRedis({ port: Number(next.told('api', 'redisPort')) }, ['GET', 'kept'])).toBe('yes')
    await next.stop()
  })
})

/** Nobody may wait for an orphan: then it has ended, but its id stays. */
async function hasEnded(pid: number): Promise<boolean> {
  if (!isAlive(pid)) return true
  return process.platform === 'linux' && / Z /.test(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ' Z '))
}
