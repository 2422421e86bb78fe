import { parseArgs } from 'node:util'
import { countOld, dropOld, type Retention } from '@foliot/history'
import { type Command, UsageError } from '../command.ts'
import { withDatabase } from '../with-database.ts'

/** As long as the recorder keeps them unless it is told otherwise. */
const KEEP_DEAD_LETTERS_DAYS = 365

const HELP = `foliot history prune --keep-days DAYS [--keep-dead-letter-days DAYS] [--dry-run]

Deletes from the history, now and for good, what is older than it has to be kept, as the recorder does by itself every ten
minutes with FOLIOT_HISTORY_DAYS and FOLIOT_HISTORY_DEAD_LETTER_DAYS. The audit is not touched.

  --keep-days DAYS              days before today of which all jobs stay, by when they were made
  --keep-dead-letter-days DAYS  the same for dead letters; default: ${KEEP_DEAD_LETTERS_DAYS}, or --keep-days if that is more
  --dry-run                     only count

It asks the PostgreSQL of FOLIOT_DATABASE_URL.`

const OPTIONS = {
  'keep-days': { type: 'string' },
  'keep-dead-letter-days': { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
} as const

export const pruneHistory: Command = {
  summary: 'delete recorded jobs by their age',
  help: HELP,
  async run(args, surroundings) {
    const { values } = parseArgs({ args, options: OPTIONS, strict: true, allowPositionals: false })
    const keepDays = toDays('--keep-days', values['keep-days'])
    const keepDeadLettersDays =
      values['keep-dead-letter-days'] === undefined
        ? Math.max(keepDays, KEEP_DEAD_LETTERS_DAYS)
        : toDays('--keep-dead-letter-days', values['keep-dead-letter-days'])
    if (keepDeadLettersDays < keepDays) {
      throw new UsageError(`Expected --keep-dead-letter-days with at least ${keepDays}, got ${keepDeadLettersDays}.`)
    }
    const retention: Retention = { now: Date.now(), keepDays, keepDeadLettersDays }
    await withDatabase(surroundings, async (db) => {
      const jobs = await countOld(db, retention)
      if (!values['dry-run']) await dropOld(db, retention)
      await surroundings.out(`${values['dry-run'] ? 'would delete' : 'deleted'} ${jobs} jobs`)
    })
  },
}

/** About a century. */
const MAX_DAYS = 36_500

function toDays(name: string, text: string | undefined): number {
  const days = /^\d{1,5}$/.test(text ?? '') ? Number(text) : Number.NaN
  if (days >= 1 && days <= MAX_DAYS) return days
  const came = text === undefined ? 'none' : JSON.stringify(text)
  throw new UsageError(`Expected ${name} with a number of days from 1 to ${MAX_DAYS}, got ${came}.`)
}
