import { type AuditBegin, type AuditEnd, FoliotError } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { auditKey, auditOutcomesKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'

/**
 * Who changed what by hand, until the history has it: one entry of a stream before the change, and its outcome beside it
 * afterwards. An entry is written in the time of Redis, so that those of all processes have one order.
 */

const KEYS = [auditKey, auditOutcomesKey]

/** How many entries stay where nobody takes them into a history. */
const AUDIT_KEPT = 100_000
/** How many wait for a history at most: some 700 MB. With so many nothing can be changed by hand. */
const AUDIT_BACKLOG = 1_000_000

export interface AuditBounds {
  /** Whether a history takes entries: then none is removed before. */
  isRecorded: boolean
  /** Default: `AUDIT_BACKLOG` if they are recorded, else `AUDIT_KEPT`. */
  most?: number
}

/** Where an entry stands in the stream: `<ms since 1970>-<number>`, by the clock of Redis. */
export type AuditPlace = string

/** An entry as it was read. */
export interface StoredAudit {
  place: AuditPlace
  /** When it was written: ms since 1970. */
  at: number
  id: string
  /** Undefined for an outcome that came when its entry had left. */
  begin: AuditBegin | undefined
  end: AuditEnd | undefined
}

/** What stands in the stream and cannot be read. */
export interface UnreadableAudit {
  place: AuditPlace
  problem: string
}

export interface AuditPage {
  entries: StoredAudit[]
  unreadable: UnreadableAudit[]
  /** Of the last that was read; undefined if there was none. */
  last: AuditPlace | undefined
}

/**
 * Writes an entry, also if Redis is full.
 *
 * @returns its place.
 * @throws FoliotError `unavailable` if there are too many that nobody has taken.
 */
export async function beginAudit(redis: Redis, begin: AuditBegin, bounds: AuditBounds): Promise<AuditPlace> {
  const { isRecorded, most = isRecorded ? AUDIT_BACKLOG : AUDIT_KEPT } = bounds
  const args = [begin.id, JSON.stringify(begin), most, isRecorded ? 1 : 0]
  const place = (await runScript(redis, 'beginAudit', KEYS, args)) as AuditPlace | null
  if (place !== null) return place
  throw new FoliotError('unavailable', `expected fewer than ${most} audit entries that wait for the history`, {
    hint: 'nothing can be changed by hand until a recorder has taken them: see that one runs and reaches PostgreSQL',
  })
}

/** Writes what became of it. Of two outcomes the first stays. */
export async function endAudit(redis: Redis, of: { id: string; place: AuditPlace }, end: AuditEnd): Promise<void> {
  await runScript(redis, 'endAudit', KEYS, [of.id, of.place, JSON.stringify(end)])
}

/** The oldest first, behind `after`. */
export const readAuditAfter = (redis: Redis, after: AuditPlace | undefined, count: number): Promise<AuditPage> =>
  readAudit(redis, ['XRANGE', after === undefined ? '-' : `(${after}`, '+', count])

/** The newest first, before `before`. @param notAfter ms since 1970; default: any time */
export const readAuditBefore = (
  redis: Redis,
  { before, notAfter }: { before?: AuditPlace | undefined; notAfter?: number | undefined },
  count: number,
): Promise<AuditPage> => {
  const latest = notAfter === undefined ? '+' : `${notAfter}-${MOST_OF_A_MS}`
  return readAudit(redis, ['XREVRANGE', before === undefined ? latest : `(${before}`, '-', count])
}

/** The greatest number that Redis gives an entry. */
const MOST_OF_A_MS = '18446744073709551615'

/** Removes entries as they were read; one whose outcome has come since stays. Returns how many went. */
export async function takeAudit(
  redis: Redis,
  entries: readonly Pick<StoredAudit, 'place' | 'id' | 'end'>[],
): Promise<number> {
  if (entries.length === 0) return 0
  const args = entries.flatMap(({ place, id, end }) => [place, id, end ? 1 : 0])
  return (await runScript(redis, 'takeAudit', KEYS, args)) as number
}

/** How many entries there are. */
export const countAudit = (redis: Redis): Promise<number> => redis.xlen(auditKey)

async function readAudit(redis: Redis, args: (string | number)[]): Promise<AuditPage> {
  const read = (await runScript(redis, 'readAudit', KEYS, args)) as [AuditPlace, string[], string][]
  const page: AuditPage = { entries: [], unreadable: [], last: read.at(-1)?.[0] }
  for (const [place, fields, outcome] of read) {
    try {
      page.entries.push(parse(place, fields, outcome))
    } catch (error) {
      page.unreadable.push({ place, problem: (error as Error).message })
    }
  }
  return page
}

function parse(place: AuditPlace, [, id = '', name, text = '']: string[], outcome: string): StoredAudit {
  const at = Number(place.slice(0, place.indexOf('-')))
  if (name === 'begin') {
    const end = outcome === '' ? undefined : (JSON.parse(outcome) as AuditEnd)
    return { place, at, id, begin: JSON.parse(text) as AuditBegin, end }
  }
  if (name === 'end') return { place, at, id, begin: undefined, end: JSON.parse(text) as AuditEnd }
  throw new Error(`expected an entry with \`begin\` or \`end\`, got ${JSON.stringify(name)}`)
}
