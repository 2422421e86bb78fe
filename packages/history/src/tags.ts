import type { JobStatus } from '@foliot/jobs'
import { storedText } from './stored-text.ts'

/**
 * What a job is looked for by, one short text each: what a writer puts on a job and what a search asks for is made here
 * alone. All of a job's tags stand in one index, which joins any of them.
 */
export const tag = {
  status: (status: JobStatus) => `status:${status}`,
  /** Failed or timed out, and not discarded. */
  dead: () => 'dead',
  type: (type: string) => bounded('type', type),
  queue: (queue: string) => bounded('queue', queue),
  tenant: (tenant: string) => bounded('tenant', tenant),
  schedule: (id: string) => bounded('schedule', id),
  errorKind: (kind: string) => bounded('kind', kind),
  fingerprint: (fingerprint: string) => bounded('fp', fingerprint),
  worker: (worker: string) => bounded('worker', worker),
  // Where the key ends has to be told, since it may hold an equals sign itself.
  label: (key: string, value: string) => bounded('label', `${key.replace(/[\\=]/g, '\\$&')}=${value}`),
  /** The quarter of an hour in which it was made. */
  slot: (slot: number) => `at:${slot}`,
  /** How long its last attempt took: to the octave, and to a 64th of one. */
  octave: (octave: number) => `ms:${octave}`,
  step: (step: number) => `ms:${Math.floor(step / STEPS)}.${step % STEPS}`,
}

/** An entry of the index may not be longer than a third of a page; what limits let through is shorter. */
const TAG_LENGTH = 600

const bounded = (kind: string, text: string): string => `${kind}:${storedText(text).slice(0, TAG_LENGTH)}`

export const SLOT_MS = 15 * 60 * 1000

export const slotOf = (ms: number): number => Math.floor(ms / SLOT_MS)

const STEPS = 64
/** What took more than a day or so is all one. */
const LAST_STEP = 27 * STEPS

/** Grows with the duration, by 64 when that doubles. 0 for 0 ms. */
const stepOf = (ms: number): number => Math.min(Math.floor(STEPS * Math.log2(Math.max(ms, 0) + 1)), LAST_STEP)

export function tagsOfDuration(ms: number): string[] {
  const step = stepOf(ms)
  return [tag.octave(Math.floor(step / STEPS)), tag.step(step)]
}

/** Any of these has who took so long, and few others: whole octaves, and steps at the ends. Both bounds belong to it. */
export function tagsOfDurations(min = 0, max = Number.POSITIVE_INFINITY): string[] {
  const tags: string[] = []
  const last = stepOf(max)
  for (let step = stepOf(min); step <= last; ) {
    const isWhole = step % STEPS === 0 && (step + STEPS - 1 <= last || last === LAST_STEP)
    tags.push(isWhole ? tag.octave(step / STEPS) : tag.step(step))
    step += isWhole ? STEPS : 1
  }
  return tags
}
