import { type AuditBegin, type AuditEnd, FoliotError } from '@foliot/jobs'
import type { Redis } from 'ioredis'
import { auditKey, auditOutcomesKey } from '../keys.ts'
import { runScript } from '../redis/scripts.ts'

/**
 * Who changed what by hand, until the history has it: one entry of a stream before the change, and its outcome beside it
 * afterwards. An entry is written in the time of Redis, so that those of all processes have one order.
 */

const KEYS = [auditKey, auditOutcomesKey]

/** What stays where nobody takes it into a history. */
const AUDIT_KEPT = { most: 100_000, mostBytes: 256 * 1024 * 1024 }
/** What waits for a history at most. With so much nothing can be changed by hand. */
const AUDIT_BACKLOG = { most: 1_000_000, mostBytes: 1024 * 1024 * 1024 }

export interface AuditBounds {
  /** Whether a history takes entries: then none is removed before. */
  isRecorded: boolean
  /** How many entries. Default: of `AUDIT_BACKLOG` if they are recorded, else of `AUDIT_KEPT`. */
  most?: number
  /** How many bytes they and their outcomes take, as Redis reckons from some of them. Default: as for `most`. */
  mostBytes?: number
  /** Default: true. */
  evenIfFull?: boolean
}

/** Where an entry stands in the stream: `<ms since 1970>-<number>`, by the clock of Redis. */
export type AuditPlace = string

/** An entry as it was read. */
export interface StoredAudit {
  place: AuditPlace
  /** When it was first written: ms since 1970. Earlier than its place if its outcome came when it had left. */
  at: number
  id: string
  begin: AuditBegin
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
 * Writes an entry.
 *
 * @returns its place.
 * @throws FoliotError `unavailable` if there are too many that nobody has taken; what Redis says if it is full and `evenIfFull`
 * is false.
 */
export async function beginAudit(redis: Redis, begin: AuditBegin, bounds: AuditBounds): Promise<AuditPlace> {
  const { isRecorded, evenIfFull = true } = bounds
  const { most, mostBytes } = { ...(isRecorded ? AUDIT_BACKLOG : AUDIT_KEPT), ...bounds }
  const args = [begin.id, JSON.stringify(begin), most, mostBytes, isRecorded ? 1 : 0, evenIfFull ? 1 : 0]
  const place = (await runScript(redis, 'beginAudit', KEYS, args)) as AuditPlace | null
  if (place !== null) return place
  const expected = `expected fewer than ${most} audit entries that wait for the history, of at most ${mostBytes} bytes`
  throw new FoliotError('unavailable', expected, {
    hint: 'nothing can be changed by hand until a recorder has taken them: see that one runs and reaches PostgreSQL',
  })
}

/**
 * Writes what became of it; of two outcomes the first stays. If its entry has left meanwhile, it is written again, so that a
 * history that has it learns of the outcome, and one that never got it has it whole.
 *
 * @param evenIfFull false: then it throws what Redis says if it is full, and nothing was written
 */
export async function endAudit(
  redis: Redis,
  { begin, place }: Pick<StoredAudit, 'begin' | 'place'>,
  end: AuditEnd,
  evenIfFull = true,
): Promise<void> {
  const args = [begin.id, place, timeOfPlace(place), JSON.stringify(begin), JSON.stringify(end), evenIfFull ? 1 : 0]
  await runScript(redis, 'endAudit', KEYS, args)
}

/** Takes an entry back that has no outcome, also if Redis is full. Only for what was refused, so that nothing was changed. */
export const withdrawAudit = async (redis: Redis, place: AuditPlace): Promise<void> =>
  void (await redis.xdel(auditKey, place))

/** The oldest first, behind `after`. */
export const readAuditAfter = (redis: Redis, after: AuditPlace | undefined, count: number): Promise<AuditPage> =>
  readAudit(redis, ['XRANGE', after === undefined ? '-' : `(${after}`, '+', count])

/** The newest first, before `before`. @param notAfter ms since 1970; default: any time */
export const readAuditBefore = (
  redis: Redis,
  { before, notAfter }: { before?: AuditPlace | undefined; notAfter?: number | undefined },
  count: number,
): Promise<AuditPage> => {
  // Redis has no ids of before 1970.
  const latest = notAfter === undefined ? '+' : `${Math.max(0, notAfter)}-${MOST_OF_A_MS}`
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

function parse(place: AuditPlace, [, id = '', name, text = '', , at]: string[], outcome: string): StoredAudit {
  if (name !== 'begin') throw new Error(`expected an entry with \`begin\`, got ${JSON.stringify(name)}`)
  const end = outcome === '' ? undefined : (JSON.parse(outcome) as AuditEnd)
  return {
    place,
    at: at === undefined ? timeOfPlace(place) : Number(at),
    id,
    begin: JSON.parse(text) as AuditBegin,
    end,
  }
}

/** When something was written at a place: ms since 1970. */
export const timeOfPlace = (place: AuditPlace): number => Number(place.slice(0, place.indexOf('-')))
