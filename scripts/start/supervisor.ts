import { isIPv4 } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { claimOn } from '@foliot/local-services'
import { aborted } from './aborted.ts'
import { chooseApiPort, DEFAULT_API_PORT } from './api-port.ts'
import { makeFirstKey } from './first-key.ts'
import type { Output } from './output.ts'
import { type ChosenPostgres, choosePostgres } from './private-postgres.ts'
import { type ChosenRedis, chooseRedis } from './private-redis.ts'
import { type RunningApp, runApp } from './running-app.ts'
import { makeSampleSchedules } from './sample-schedules.ts'
import { renderScreen } from './screen.ts'
import { DEMO_JOBS, type StartSettings } from './settings.ts'
import type { StopRequests } from './stop-requests.ts'
import { stoppingLine } from './stopping-line.ts'

export interface SupervisorOptions {
  settings: StartSettings
  /** Passed on to the apps. */
  env: NodeJS.ProcessEnv
  /** The main files of the apps. */
  entries: { api: string; worker: string; recorder: string; scheduler: string; cli: string }
  /** Where a private Redis and a private PostgreSQL keep their data. */
  dataDir: string
  output: Output
  requests: StopRequests
}

/** After this long the reader sees what there is instead of waiting for the screen. */
const HOLD_MS = 10_000

/**
 * Runs Redis, PostgreSQL, a worker, the api, a scheduler and a recorder until asked to stop, then stops them in order: first
 * who makes and takes jobs, then who takes requests, then who records what they did, last where the data is.
 *
 * @returns the exit code: 0 after an orderly stop, 1 after a configuration that an app refused, 130 after a kill.
 * @throws Error if it cannot start at all.
 */
export async function supervise(options: SupervisorOptions): Promise<number> {
  const { settings, output, requests } = options
  const redisDir = join(options.dataDir, 'redis')
  if (settings.redisUrl === undefined) await refuseSecondStart(redisDir)
  const port = await chooseApiPort(settings.apiHost, settings.apiPort)
  if (settings.apiPort === undefined && port !== DEFAULT_API_PORT) {
    output.say(`Port ${DEFAULT_API_PORT} is taken: the api is on ${port} instead.`)
  }
  const sayWhatFor = (): void => output.say('Stopping as soon as Redis and PostgreSQL have started …')
  requests.stop.addEventListener('abort', sayWhatFor)
  const { redis, postgres } = await chooseServers(options, redisDir)
  requests.stop.removeEventListener('abort', sayWhatFor)
  const servers = [redis.server, postgres?.server].filter((server) => server !== undefined)
  if (requests.stop.aborted) {
    for (const server of servers) await server.stop()
    return 0
  }
  const refused = new AbortController()
  const ending = AbortSignal.any([requests.stop, refused.signal])

  const env = {
    // What Node has compiled once it need not compile at the next start: that is sooner, and takes less memory.
    NODE_COMPILE_CACHE: join(options.dataDir, 'compile-cache'),
    ...options.env,
    FOLIOT_REDIS_URL: redis.url,
    ...(postgres !== undefined && { FOLIOT_DATABASE_URL: postgres.url }),
    FOLIOT_API_PORT: String(port),
    FOLIOT_JOBS: settings.jobs,
  }
  const run = (name: 'api' | 'worker' | 'recorder' | 'scheduler'): RunningApp =>
    runApp(name, { entry: options.entries[name], env, output, onConfigError: () => refused.abort() })
  const worker = run('worker')
  const api = run('api')
  const scheduler = run('scheduler')
  const recorder = postgres && run('recorder')
  // A job is sent before it can be recorded, and without a schedule: nobody has to wait until these are ready.
  recorder?.ready.catch(() => undefined)
  scheduler.ready.catch(() => undefined)
  const inOrder = [scheduler.kept, worker.kept, api.kept, ...(recorder ? [recorder.kept] : []), ...servers]
  const killed = aborted(requests.kill).then(async () => {
    await Promise.all(inOrder.map((child) => child.kill()))
    return 130
  })

  const isOpen = !settings.hasKeys && isOwnMachine(settings.apiHost)
  const firstKey = isOpen && postgres ? makeFirstKey(options.entries.cli, env, ending) : undefined

  const orderly = async (): Promise<number> => {
    const urls = await readyUrls(api.ready, worker.ready, output, ending)
    if (urls !== undefined) {
      const hasDemo = settings.jobs.split(',').includes(DEMO_JOBS)
      const { jobs } = settings
      // Also without FOLIOT_API_KEYS it asks for a key once somebody has made one.
      const hasKeys = settings.hasKeys || (await statusOf(new URL('/openapi.json', urls.apiUrl))) === 401
      const data = { redisUrl: redis.url, redisDir: redis.dir, databaseUrl: postgres?.url, databaseDir: postgres?.dir }
      output.show(renderScreen({ ...urls, ...data, jobs, hasDemo, hasKeys }))
      const tell = (text: string | undefined) => text !== undefined && output.say(text)
      void firstKey?.then(tell)
      if (isOpen && hasDemo && postgres?.server)
        void makeSampleSchedules(urls.apiUrl, options.dataDir, ending).then(tell)
    }
    await aborted(ending)
    output.say(
      stoppingLine(
        inOrder.map(({ name }) => name),
        options.env,
      ),
    )
    for (const child of inOrder) await child.stop()
    return refused.signal.aborted ? 1 : 0
  }
  const code = await Promise.race([orderly(), killed])
  return requests.kill.aborted ? killed : code
}

/** Both at a time: the first start makes the data of PostgreSQL, which takes longer than all the rest. */
async function chooseServers(
  { settings, dataDir, output }: SupervisorOptions,
  redisDir: string,
): Promise<{ redis: ChosenRedis; postgres: ChosenPostgres | undefined }> {
  const choosingPostgres = choosePostgres(settings.databaseUrl, join(dataDir, 'postgres'), output.say)
  try {
    const redis = await chooseRedis(settings.redisUrl, redisDir, output.say)
    return { redis, postgres: await choosingPostgres }
  } catch (error) {
    await (await choosingPostgres)?.server?.stop()
    throw error
  }
}

/** @throws Error if Foliot runs on this folder: two would spoil each other's data. */
async function refuseSecondStart(redisDir: string): Promise<void> {
  const claim = await claimOn(redisDir)
  if (claim === undefined) return
  throw new Error(
    `Foliot runs here already, as process ${claim.ownerPid}, with its data in ${redisDir}.\n` +
      `To stop it, press Ctrl-C in its terminal or run \`kill ${claim.ownerPid}\`. ` +
      'One more worker beside it is started by `npm run worker`.',
  )
}

/** Waits until a job that is sent would run: the api answers, and knows what a worker can do. Undefined at the end. */
async function readyUrls(
  api: Promise<string>,
  worker: Promise<string>,
  output: Output,
  ending: AbortSignal,
): Promise<{ apiUrl: string; workerUrl: string } | undefined> {
  const impatience = setTimeout(() => output.say('Not everything is ready yet. This is what there is so far.'), HOLD_MS)
  try {
    const urls = await Promise.race([Promise.all([api, worker]), aborted(ending)])
    if (urls === undefined) return undefined
    const [apiUrl, workerUrl] = urls
    const readyz = new URL('/readyz', apiUrl)
    while (!(await isOk(readyz))) {
      if (ending.aborted) return undefined
      await sleep(50)
    }
    return { apiUrl, workerUrl }
  } finally {
    clearTimeout(impatience)
  }
}

const isOk = async (url: URL): Promise<boolean> => (await statusOf(url)) === 200

/** Undefined if it does not answer, or not now. */
async function statusOf(url: URL): Promise<number | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) })
    await response.body?.cancel()
    return response.status
  } catch {
    return undefined
  }
}

/** Whether only this machine reaches the api, so that it lets in who shows no key. */
const isOwnMachine = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
