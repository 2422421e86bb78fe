import { parseArgs } from 'node:util'
import { type HistoryFilter, type HistoryPosition, searchJobs } from '@foliot/history'
import { STATUSES } from '@foliot/jobs'
import { type Command, UsageError } from '../command.ts'
import { readTime } from '../read-time.ts'
import { withDatabase } from '../with-database.ts'

const HELP = `foliot history export [--from TIME] [--to TIME] [--tenant TENANT] [--type TYPE] [--queue QUEUE]
                      [--status STATUS] [--label KEY:VALUE]

Prints the jobs that the history keeps as JSON lines, as GET /v1/jobs shows them, the newest first. What a job type keeps
back is masked in them. Jobs that are in Redis alone, because they go on or ended just now, are not among them.

  --from TIME          made at this time or later, like 2026-01-31T12:00:00Z
  --to TIME            made before this time
  --tenant TENANT      of this tenant alone; so for the others

It asks the PostgreSQL of FOLIOT_DATABASE_URL.`

const PAGE = 500

const OPTIONS = {
  from: { type: 'string' },
  to: { type: 'string' },
  tenant: { type: 'string' },
  type: { type: 'string' },
  queue: { type: 'string' },
  status: { type: 'string' },
  label: { type: 'string' },
} as const

export const exportHistory: Command = {
  summary: 'print recorded jobs as JSON lines',
  help: HELP,
  async run(args, surroundings) {
    const { values } = parseArgs({ args, options: OPTIONS, strict: true, allowPositionals: false })
    const filter = toFilter(values)
    await withDatabase(surroundings, async (db) => {
      for (let after: HistoryPosition | undefined; ; ) {
        const { jobs, more } = await searchJobs(db, filter, PAGE, after)
        // A page that is waited for: an export is as long as the history.
        if (jobs.length > 0) await surroundings.out(jobs.map(({ document }) => document).join('\n'))
        after = jobs.at(-1)
        if (!more) return
      }
    })
  },
}

function toFilter(values: { [K in keyof typeof OPTIONS]?: string | undefined }): HistoryFilter {
  const { tenant, type, queue, label } = values
  const from = toTime('--from', values.from)
  const to = toTime('--to', values.to)
  if (from !== undefined && to !== undefined && from >= to) {
    throw new UsageError(`Expected --to with a time after --from, got ${values.to}.`)
  }
  const status = STATUSES.find((one) => one === values.status)
  if (values.status !== undefined && status === undefined) {
    throw new UsageError(`Expected --status with one of ${STATUSES.join(', ')}, got ${JSON.stringify(values.status)}.`)
  }
  const colon = label?.indexOf(':') ?? 1
  if (colon < 1) throw new UsageError(`Expected --label with KEY:VALUE, got ${JSON.stringify(label)}.`)
  return {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(tenant !== undefined && { tenant }),
    ...(type !== undefined && { type }),
    ...(queue !== undefined && { queues: [queue] }),
    ...(status !== undefined && { statuses: [status] }),
    ...(label !== undefined && { labels: [{ key: label.slice(0, colon), value: label.slice(colon + 1) }] }),
  }
}

function toTime(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const ms = readTime(text)
  if (ms === undefined) {
    throw new UsageError(`Expected ${name} with a time like 2026-01-31T12:00:00Z, got ${JSON.stringify(text)}.`)
  }
  return ms
}
