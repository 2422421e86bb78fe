import { setTimeout as sleep } from 'node:timers/promises'
import { keepPartitions, migrate } from '@foliot/history'
import { DEAD_LETTERS_STAY_MS, measureOutboxes } from '@foliot/queue'
import type { Redis } from 'ioredis'
import { askApi } from '../ask-api.ts'
import { seededRandom } from '../chaos/random.ts'
import { startErrand } from '../errand.ts'
import { type Foliot, foliotOn } from '../foliot.ts'
import { MB } from '../memory-watch.ts'
import type { Round } from '../round.ts'
import { roundTo, show } from '../table.ts'
import { usedMemory } from '../used-memory.ts'
import { Archive } from './archive.ts'
import { QUEUES } from './catalogue.ts'
import { fillArchive } from './fill-archive.ts'
import { announceKinds, assertRecorded, untilRecorded } from './installation.ts'
import type { RunJobsAnswer, RunJobsTask } from './run-jobs.ts'
import { searchQueries } from './search-queries.ts'
import type { SendJobsTask } from './send-jobs.ts'
import { type SearchTimes, type Target, type Times, timeEach, timeSearches } from './time-searches.ts'

export interface ArchiveSizes {
  /** In the history, when it is searched. */
  jobs: number
  /** Of those, how many the recorder brings there. */
  backlog: number
  /** Over how many days the others were made. */
  days: number
  /** Questions of each sort. */
  questions: number
  seed: number
  /** Where a CPU profile of the recorder is written. Default: nowhere. */
  profileDir?: string | undefined
}

export interface ArchiveFigures {
  recordedPerSecond: number
  searches: SearchTimes[]
  byId: Times
  /** Of a day of which the history alone knows, if there is one, and of the last one. */
  groups: { recorded: Times | undefined; today: Times }
}

const DAY_MS = 24 * 60 * 60 * 1000
/** The newest job of the archive is older than the jobs that the recorder brings. */
const GAP_MS = 10 * 60 * 1000
/** To fill and to vacuum may take long. */
const FILL_LIMITS = { statementTimeoutMs: 600_000, queryTimeoutMs: 610_000 }

/** A backlog of finished jobs that the recorder takes, then a history of many jobs that is searched. */
export async function measureArchive(round: Round, sizes: ArchiveSizes): Promise<ArchiveFigures> {
  const { jobs, backlog, days, seed, profileDir } = sizes
  const [redisServer, postgres] = await Promise.all([round.startRedis(), round.startPostgres()])
  const redis = round.connect(redisServer)
  const db = round.openDatabase(postgres, FILL_LIMITS)
  const profile = profileDir === undefined ? undefined : ({ app: 'recorder', dir: profileDir } as const)
  const foliot = foliotOn(round, { redisUrl: redisServer.url, databaseUrl: postgres.url, profile })
  await announceKinds(redis)
  await migrate(db)
  await keepPartitions(db, Date.now())

  const emptyBytes = await usedMemory(redis)
  await finishJobs(round, redisServer.url, backlog, seed)
  const waitingBytes = (await usedMemory(redis)) - emptyBytes
  console.log(
    `${backlog} finished jobs wait for the history in ${show(waitingBytes / MB)} MB of Redis, ` +
      `${roundTo(waitingBytes / backlog, 0)} bytes each`,
  )
  const recordedPerSecond = await timeRecorder(round, foliot, redis, backlog)
  await assertRecorded(db, backlog)
  console.log(`each of them recorded once, ${roundTo(recordedPerSecond, 0)} a second`)

  const to = Date.now() - GAP_MS
  const archive = new Archive({ seed, first: backlog, jobs: jobs - backlog, from: to - days * DAY_MS, to })
  const filledPerSecond = await fillArchive(db, archive, round.signal)
  await assertRecorded(db, jobs)
  console.log(`${jobs - backlog} more jobs written to the history, ${roundTo(filledPerSecond, 0)} a second`)

  const { url } = await foliot.api()
  const target = { api: { url, key: foliot.key }, db: round.openDatabase(postgres), signal: round.signal }
  await untilListed(target)
  return { recordedPerSecond, ...(await ask(archive, target, sizes)) }
}

/** Stores jobs and runs them all, with nobody who records them yet. */
async function finishJobs(round: Round, redisUrl: string, jobs: number, seed: number): Promise<void> {
  const send: SendJobsTask = { redisUrl, seed, first: 0, jobs }
  const run: RunJobsTask = { redisUrl, seed, jobs, firstMeasured: jobs, keepsFinished: true }
  const errands = await Promise.all([
    round.run(startErrand<SendJobsTask, object>(new URL('./send-jobs.ts', import.meta.url), send)),
    round.run(startErrand<RunJobsTask, RunJobsAnswer>(new URL('./run-jobs.ts', import.meta.url), run)),
  ])
  await Promise.all(errands.map((errand) => errand.stop()))
}

/** Starts the recorder on the outboxes as they are. @returns jobs a second, until they are empty */
async function timeRecorder(round: Round, foliot: Foliot, redis: Redis, jobs: number): Promise<number> {
  const outboxes = await measureOutboxes(redis, QUEUES)
  const waiting = outboxes.reduce((sum, outbox) => sum + outbox.waiting, 0)
  if (waiting !== jobs) throw new Error(`expected ${jobs} jobs in the outboxes, got ${waiting}`)
  const recorder = await foliot.recorder()
  const startedAt = performance.now()
  await untilRecorded(redis, round.signal)
  const seconds = (performance.now() - startedAt) / 1000
  await recorder.stop()
  return jobs / seconds
}

async function ask(archive: Archive, target: Target, { days, questions, seed }: ArchiveSizes) {
  const { api, signal } = target
  const random = seededRandom(seed, 'questions')
  const searches = await timeSearches(searchQueries(archive, random), target, questions)
  const ids = Array.from({ length: 10 * questions }, () => archive.jobAt(archive.draw(random)).job.id)
  const byId = await timeEach(ids, async (id) => {
    signal.throwIfAborted()
    const found = await askApi<{ id: string }>(api, 'GET', `/v1/jobs/${id}`)
    if (found.id !== id) throw new Error(`expected the job ${id}, got ${found.id}`)
  })
  const timeGroups = (startOf: () => number): Promise<Times> =>
    timeEach(Array.from({ length: 2 * questions }, startOf), (from) => askGroups(target, from))
  // Of the last days the api groups what is in Redis: there, the dead letters of the backlog.
  const stayDays = Math.ceil(DEAD_LETTERS_STAY_MS / DAY_MS)
  const { to } = archive.options
  const anOlderDay = (): number => to - DAY_MS * random.between(stayDays + 1, days)
  const groups = {
    recorded: days > stayDays ? await timeGroups(anOlderDay) : undefined,
    today: await timeGroups(() => Date.now() - DAY_MS),
  }
  return { searches, byId, groups }
}

async function askGroups({ api, signal }: Target, from: number): Promise<void> {
  signal.throwIfAborted()
  const span = new URLSearchParams({ from: new Date(from).toISOString(), to: new Date(from + DAY_MS).toISOString() })
  const { items } = await askApi<{ items: unknown[] }>(api, 'GET', `/v1/errors?${span}`)
  if (items.length === 0) throw new Error(`expected groups of failures in ${span}, got none`)
}

/** The api asks Redis for the queues once it is connected. */
async function untilListed({ api, signal }: Target): Promise<void> {
  while ((await askApi<{ items: unknown[] }>(api, 'GET', '/v1/queues')).items.length < QUEUES.length) {
    await sleep(50, undefined, { signal })
  }
}
