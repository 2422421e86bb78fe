import type { ScheduleBody } from './definitions.ts'

/** What a schedule was from some time on. Instants are in ms since 1970. */
export interface Version {
  body: ScheduleBody
  /** Undefined if it is not paused. */
  pause?: { until?: number }
  /** With `everyMs`: an instant at which it is due. */
  anchor?: number
  /** It is so since some time between these: when it was asked for, and when that was answered. */
  sentAt: number
  answeredAt: number
}

/** What is known of a schedule: all that it was, the oldest first. */
export interface ScheduleRecord {
  readonly id: string
  readonly versions: Version[]
}

/** The suite's own record of what it made of each schedule, and when. */
export class ScheduleLedger {
  readonly #records = new Map<string, ScheduleRecord>()

  get records(): readonly ScheduleRecord[] {
    return [...this.#records.values()]
  }

  /** How often schedules were changed after they were made. */
  get changes(): number {
    return this.records.reduce((sum, { versions }) => sum + versions.length - 1, 0)
  }

  /** @param updatedAt when it was changed, as the answer says: steps are counted from then if they are other than before. */
  add(id: string, version: Omit<Version, 'anchor'>, updatedAt: number): void {
    const record = this.#records.get(id) ?? { id, versions: [] }
    this.#records.set(id, record)
    const before = record.versions.at(-1)
    const { everyMs } = version.body
    const isSame = before?.body.everyMs === everyMs && before?.anchor !== undefined
    const anchor = everyMs === undefined ? undefined : isSame ? before.anchor : updatedAt
    record.versions.push({ ...version, ...(anchor !== undefined && { anchor }) })
  }
}

export const isPaused = ({ pause }: Version, dueMs: number): boolean =>
  pause !== undefined && (pause.until === undefined || dueMs < pause.until)
