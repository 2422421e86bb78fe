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
}

/** An entry of the index may not be longer than a third of a page; what limits let through is shorter. */
const TAG_LENGTH = 600

const bounded = (kind: string, text: string): string => `${kind}:${storedText(text).slice(0, TAG_LENGTH)}`

/** A number's tags: of itself and of the larger and larger blocks in which it lies, so that a range has few of them. */
interface Scale {
  name: string
  /** Sizes of the blocks as powers of two, the smallest first. */
  blocks: readonly number[]
  last: number
}

const blockTag = ({ name }: Scale, bits: number, n: number): string => `${name}${bits}:${n >> bits}`

const tagsOf = (scale: Scale, n: number): string[] => scale.blocks.map((bits) => blockTag(scale, bits, n))

/** Who lies in the range has one of these, and nobody else. Both ends belong to it. */
function tagsOfRange(scale: Scale, first: number, last: number): string[] {
  const tags: string[] = []
  for (let n = first; n <= last; ) {
    // There is nothing behind the last one, so the block that holds it may be taken whole.
    const bits = scale.blocks.findLast(
      (each) => n % 2 ** each === 0 && (n + 2 ** each - 1 <= last || last === scale.last),
    ) as number
    tags.push(blockTag(scale, bits, n))
    n += 2 ** bits
  }
  return tags
}

export const SLOT_MS = 15 * 60 * 1000

/** Quarters of an hour since 1970, and two hours. */
const SLOTS: Scale = { name: 'at', blocks: [0, 3], last: 2 ** 31 - 1 }

export const slotOf = (ms: number): number => Math.floor(ms / SLOT_MS)

export const tagsOfTime = (ms: number): string[] => tagsOf(SLOTS, slotOf(ms))

export const tagsOfSlots = (first: number, last: number): string[] => tagsOfRange(SLOTS, first, last)

/** 64ths of an octave, since durations differ by factors; 8ths, and octaves. What took more than a day or so is all one. */
const STEPS: Scale = { name: 'ms', blocks: [0, 3, 6], last: 64 * 27 }

/** 0 for 0 ms. */
const stepOf = (ms: number): number => Math.min(Math.floor(64 * Math.log2(Math.max(ms, 0) + 1)), STEPS.last)

export const tagsOfDuration = (ms: number): string[] => tagsOf(STEPS, stepOf(ms))

/** Who took so long has one of these, and few others. Both bounds belong to it. */
export const tagsOfDurations = (min = 0, max = Number.POSITIVE_INFINITY): string[] =>
  tagsOfRange(STEPS, stepOf(min), stepOf(max))
