import { FINDING_KINDS, type Finding, type FindingKind, findingField, readFindings, tellFindings } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Redis } from 'ioredis'

export interface FindingsBoardOptions {
  redis: Redis
  log: Pick<Logger, 'info' | 'warn'>
  /** How many are in the list at most, not counting what concerns all schedules. */
  mostListed: number
  /** The same of each tenant: none fills the list for the others. */
  mostListedOfTenant: number
}

/** Whose findings they are; undefined for what concerns all schedules. */
type Subject = { tenant: string; id: string } | undefined

/** One that goes wrong with many schedules is not told of each in the log. */
const LINES_A_ROUND = 20

/** What is wrong now: in Redis for all to read, and told when it comes and goes. */
export class FindingsBoard {
  readonly #options: FindingsBoardOptions
  #listed = new Map<string, Finding>()
  /** How many of a tenant are in the list. */
  readonly #listedOf = new Map<string, number>()
  /** For which there is no room in the list. What concerns all schedules is none of them. */
  readonly #unlisted = new Map<string, { kind: FindingKind; tenant: string }>()
  /** How many of a tenant are not in the list. */
  readonly #unlistedOf = new Map<string, number>()
  #lines = 0
  #untold = 0

  constructor(options: FindingsBoardOptions) {
    this.#options = options
  }

  /** Takes over what an earlier watchdog found. */
  async load(): Promise<void> {
    this.#listed = await readFindings(this.#options.redis)
    this.#unlisted.clear()
    this.#unlistedOf.clear()
    this.#listedOf.clear()
    for (const { tenant } of this.#listed.values()) count(this.#listedOf, tenant, 1)
  }

  /** Those that are in the list. */
  get listed(): Iterable<Finding> {
    return this.#listed.values()
  }

  /** How many of each tenant are not, if any. */
  get unlisted(): ReadonlyMap<string, number> {
    return this.#unlistedOf
  }

  get size(): number {
    return this.#listed.size + this.#unlisted.size
  }

  /** Of a schedule, or of all; those alone that are in the list. */
  get(kind: FindingKind, subject: Subject): Finding | undefined {
    return this.#listed.get(fieldOf(kind, subject))
  }

  counts(): Map<FindingKind, number> {
    const counts = new Map(FINDING_KINDS.map((kind) => [kind, 0]))
    const add = (kind: FindingKind): unknown => counts.set(kind, (counts.get(kind) ?? 0) + 1)
    for (const { kind } of this.#listed.values()) add(kind)
    for (const { kind } of this.#unlisted.values()) add(kind)
    return counts
  }

  /** Findings that are not in the list; of one that is, as it was when it came. */
  news(findings: readonly Finding[]): Finding[] {
    return findings.filter((finding) => !this.#listed.has(findingField(finding)))
  }

  /** Takes what is wrong with some schedules in place of what was wrong with them. */
  async tell(looked: readonly { subject: Subject; findings: readonly Finding[] }[]): Promise<void> {
    const raised: Finding[] = []
    const recovered: Finding[] = []
    const raisedOf = new Map<string, number>()
    for (const { subject, findings } of looked) {
      for (const kind of FINDING_KINDS) {
        const field = fieldOf(kind, subject)
        const finding = findings.find((one) => one.kind === kind)
        const before = this.#listed.get(field)
        if (before) {
          // The first one has ended, and the other one is told of at the next look.
          if (!finding || isAnother(finding, before)) recovered.push(before)
        } else if (!finding) this.#forget(field)
        else if (finding.tenant === undefined || this.#hasRoom(finding.tenant, raised.length, raisedOf)) {
          raised.push(finding)
          count(raisedOf, finding.tenant, 1)
        } else this.#leaveOut(field, kind, finding.tenant)
      }
    }
    const news = await tellFindings(this.#options.redis, { raised, recovered })
    for (const finding of raised) {
      this.#listed.set(findingField(finding), finding)
      this.#forget(findingField(finding))
      count(this.#listedOf, finding.tenant, 1)
    }
    for (const finding of recovered) {
      this.#listed.delete(findingField(finding))
      count(this.#listedOf, finding.tenant, -1)
    }
    // What is known was told by another watchdog.
    for (const finding of news.raised) this.#say('warn', finding, finding.reason)
    for (const finding of news.recovered) this.#say('info', finding, `recovered; it was so: ${finding.reason}`)
  }

  /** To be called after each look around. */
  endRound(): void {
    const { log } = this.#options
    if (this.#untold > 0)
      log.warn({ more: this.#untold }, 'more schedules are overdue or have recovered: see GET /v1/watch')
    this.#lines = 0
    this.#untold = 0
  }

  #hasRoom(tenant: string, raised: number, raisedOf: ReadonlyMap<string, number>): boolean {
    const { mostListed, mostListedOfTenant } = this.#options
    const ofTenant = (this.#listedOf.get(tenant) ?? 0) + (raisedOf.get(tenant) ?? 0)
    return ofTenant < mostListedOfTenant && this.#listed.size + raised < mostListed
  }

  #leaveOut(field: string, kind: FindingKind, tenant: string): void {
    if (this.#unlisted.has(field)) return
    this.#unlisted.set(field, { kind, tenant })
    count(this.#unlistedOf, tenant, 1)
  }

  /** It is wrong no more, or in the list. */
  #forget(field: string): void {
    const known = this.#unlisted.get(field)
    if (!known) return
    this.#unlisted.delete(field)
    count(this.#unlistedOf, known.tenant, -1)
  }

  #say(level: 'info' | 'warn', { kind, tenant, scheduleId, since, reason }: Finding, text: string): void {
    if (this.#lines >= LINES_A_ROUND) {
      this.#untold += 1
      return
    }
    this.#lines += 1
    const fields = { kind, tenant, scheduleId, since: new Date(since).toISOString(), why: reason }
    this.#options.log[level](fields, scheduleId === undefined ? text : `schedule ${tenant}/${scheduleId}: ${text}`)
  }
}

/** One more or less of a tenant; what concerns all schedules is of none. */
function count(counts: Map<string, number>, tenant: string | undefined, more: number): void {
  if (tenant === undefined) return
  const now = (counts.get(tenant) ?? 0) + more
  if (now > 0) counts.set(tenant, now)
  else counts.delete(tenant)
}

/** Of the same kind, but of another job, or for another reason. */
const isAnother = ({ kind, tick, reason }: Finding, before: Finding): boolean =>
  ((kind === 'overdue' || kind === 'late') && tick !== before.tick) ||
  (kind === 'cannot_be_followed' && reason !== before.reason)

const fieldOf = (kind: FindingKind, subject: Subject): string =>
  findingField({ kind, since: 0, reason: '', ...(subject && { tenant: subject.tenant, scheduleId: subject.id }) })
