import { migrate, openDatabase, recordJobs } from '@foliot/history'
import { type Job, newJobId } from '@foliot/jobs'
import { atEndOfFile, startProcess, testDatabaseUrl } from '@foliot/testkit'
import { beforeAll, describe, expect, it } from 'vitest'
import { AREAS } from '../areas.ts'
import { runHere } from '../fixtures/run-here.ts'
import { runCli } from '../run-cli.ts'

const FOLIOT_DATABASE_URL = await testDatabaseUrl()
const db = openDatabase({ url: FOLIOT_DATABASE_URL })
atEndOfFile(() => db.destroy())

const DAY_MS = 24 * 60 * 60 * 1000
const NOW = Date.now()

async function foliot(...args: string[]) {
  const run = await startProcess({ entry: 'apps/cli/src/main.ts', args, env: { FOLIOT_DATABASE_URL } })
  const { code } = await run.exited
  return { code, lines: run.lines.map(({ text }) => text), notes: run.errorText }
}

const exported = async (...args: string[]): Promise<Job[]> => {
  const { code, lines, notes } = await foliot('history', 'export', ...args)
  expect([code, notes]).toEqual([0, ''])
  return lines.map((line) => JSON.parse(line) as Job)
}

function job(daysAgo: number, more: Partial<Job> = {}): Job {
  const at = NOW - daysAgo * DAY_MS
  const iso = new Date(at).toISOString()
  return {
    id: newJobId(at),
    type: 'mail.send',
    version: 1,
    queue: 'mail',
    status: 'succeeded',
    attempt: 1,
    attemptsUsed: 0,
    maxAttempts: 3,
    priority: 0,
    progress: null,
    error: null,
    labels: {},
    tenant: 'default',
    traceId: '',
    createdAt: iso,
    finishedAt: iso,
    timeline: [{ at: iso, event: 'created' }],
    input: null,
    output: null,
    ...more,
  }
}

const error = { name: 'Error', message: 'no', kind: 'error', fingerprint: 'error-1' }
const jobs = [
  ...Array.from({ length: 1200 }, (_, i) => job(i / 1000, { labels: { n: String(i) } })),
  job(40, { tenant: 'acme', type: 'report.build' }),
  job(40, { status: 'failed', error }),
  job(400, { status: 'failed', error }),
]

beforeAll(async () => {
  await migrate(db)
  const sent = jobs.map((job) => ({ job, inputText: '{"b":1.0,"a":2}', outputText: null, attempts: [], log: [] }))
  await recordJobs(db, sent)
})

describe('foliot history export', () => {
  it('prints every job once, the newest first, to the letter', async () => {
    const { lines } = await foliot('history', 'export')
    const ids = lines.map((line) => (JSON.parse(line) as Job).id)
    expect(ids).toEqual(
      jobs
        .toSorted((a, b) => (a.createdAt === b.createdAt ? (a.id < b.id ? 1 : -1) : a.createdAt < b.createdAt ? 1 : -1))
        .map(({ id }) => id),
    )
    expect(lines[0]).toContain('"input":{"b":1.0,"a":2}')
  })

  it('goes on when what it printed was taken, and keeps no more than that', async () => {
    let printing = 0
    const sizes: number[] = []
    const code = await runCli(AREAS, ['history', 'export'], {
      env: () => ({ FOLIOT_DATABASE_URL, FOLIOT_DATABASE_PASSWORD_FILE: undefined, FOLIOT_REDIS_URL: undefined }),
      async out(text) {
        expect(printing++).toBe(0)
        sizes.push(text.split('\n').length)
        await db.selectNoFrom((eb) => eb.lit(1).as('one')).execute()
        printing--
      },
      note: (text) => expect.unreachable(text),
    })
    expect([code, sizes]).toEqual([0, [500, 500, jobs.length - 1000]])
  })

  it('ends quietly when whoever reads has enough', async () => {
    const command = '{ "$1" --conditions=source "$0" history export; echo "code $?" >&2; } | head -n 1'
    const run = await startProcess({
      command: ['sh', '-c', command],
      entry: 'apps/cli/src/main.ts',
      args: [process.execPath],
      env: { FOLIOT_DATABASE_URL },
    })
    await run.exited
    expect([run.lines.length, run.errorText]).toEqual([1, 'code 0\n'])
  })

  it('prints those that fit', async () => {
    expect(await exported('--tenant', 'acme')).toMatchObject([{ type: 'report.build' }])
    expect(await exported('--type', 'report.build', '--status', 'failed')).toEqual([])
    expect(await exported('--status', 'failed')).toHaveLength(2)
    expect(await exported('--label', 'n:7')).toMatchObject([{ labels: { n: '7' } }])
    expect(await exported('--queue', 'other')).toEqual([])
    const [from, to] = [NOW - 50 * DAY_MS, NOW - 30 * DAY_MS].map((ms) => new Date(ms).toISOString()) as [
      string,
      string,
    ]
    expect(await exported('--from', from, '--to', to)).toHaveLength(2)
  })

  it.each([
    [['--from', 'yesterday'], /^Expected --from with a time .*"yesterday"/],
    [['--from', '2026-02-01T00:00:00Z', '--to', '2026-01-01T00:00:00Z'], /^Expected --to with a time after --from/],
    [['--status', 'done'], /^Expected --status with one of .*"done"/],
    [['--label', 'n'], /^Expected --label with KEY:VALUE, got "n"/],
    [['--labels', 'n:1'], /'--labels'/],
  ])('is refused with %j', async (args, message) => {
    const run = await runHere(['history', 'export', ...args])
    expect([run.code, run.out, run.notes]).toEqual([2, '', expect.stringMatching(message)])
  })
})

describe('foliot history prune', () => {
  const prune = async (...args: string[]) => (await foliot('history', 'prune', ...args)).lines

  it('deletes what is older than it has to be kept, dead letters later', async () => {
    const ages = ['--keep-days', '30', '--keep-dead-letter-days', '390']
    expect(await prune(...ages, '--dry-run')).toEqual(['would delete 2 jobs'])
    expect(await exported()).toHaveLength(jobs.length)
    expect(await prune(...ages)).toEqual(['deleted 2 jobs'])
    expect(await exported('--status', 'failed')).toHaveLength(1)
    expect(await prune('--keep-days', '30', '--keep-dead-letter-days', '30')).toEqual(['deleted 1 jobs'])
    expect(await exported()).toHaveLength(1200)
  })

  it('leaves dead letters of a year alone, unless it is told otherwise', async () => {
    const inDays = async (days: string) => prune('--keep-days', days, '--dry-run')
    const [of40, of400] = [job(40, { status: 'failed', error }), job(400, { status: 'timed_out', error })]
    const sent = [of40, of400].map((job) => ({ job, inputText: '1', outputText: null, attempts: [], log: [] }))
    await recordJobs(db, sent)
    expect(await inDays('30')).toEqual(['would delete 1 jobs'])
    expect(await inDays('500')).toEqual(['would delete 0 jobs'])
    expect(await prune('--keep-days', '30')).toEqual(['deleted 1 jobs'])
    expect(await exported('--status', 'failed')).toMatchObject([{ id: of40.id }])
  })

  it.each([
    [[], /^Expected --keep-days with a number of days .* got none/],
    [['--keep-days', '0'], /^Expected --keep-days .* got "0"/],
    [
      ['--keep-days', '30', '--keep-dead-letter-days', '7'],
      /^Expected --keep-dead-letter-days with at least 30, got 7/,
    ],
  ])('is refused with %j', async (args, message) => {
    const run = await runHere(['history', 'prune', ...args])
    expect([run.code, run.out, run.notes]).toEqual([2, '', expect.stringMatching(message)])
  })
})
