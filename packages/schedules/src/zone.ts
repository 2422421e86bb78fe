import { FoliotError } from '@foliot/jobs'
import { DAY_MS } from './civil.ts'
import { nearestWord } from './nearest-word.ts'

/** A time during which the clocks of a zone run evenly. Times are milliseconds since 1970, offsets too: local minus UTC. */
export interface Stretch {
  readonly start: number
  /** The first instant that no longer belongs to it. */
  readonly end: number
  readonly offset: number
  /** The offset before `start`. The same as `offset` if there is no change, only the end of what was looked through. */
  readonly offsetBefore: number
  /** The offset from `end` on; the same as `offset` if there is no change. */
  readonly offsetAfter: number
}

/** The closest two changes of any zone since 1970 are a week apart (Gaza in 2040, Recife in 2000): samples miss none. */
const SAMPLE_MS = 3 * DAY_MS

/** What is looked through around an instant that is asked for, at least. */
const BEHIND_MS = 366 * DAY_MS
const AHEAD_MS = 2 * 366 * DAY_MS

/**
 * The clocks of one zone. To ask Intl for an offset costs far more than to look it up here, so each change is found once,
 * the years as they are needed. All rules of a zone share one.
 */
export class Zone {
  readonly name: string
  #stretches: Stretch[] = []

  /** @param name as Intl knows it; see `zoneOf`. */
  constructor(name: string) {
    this.name = name
  }

  /** The stretch that an instant belongs to. Its ends are changes if they are near. */
  stretchAt(ms: number): Stretch {
    const known = this.#stretches
    const [first, last] = [known[0], known.at(-1)]
    if (!first || !last || ms < first.start + BEHIND_MS / 2 || ms >= last.end - AHEAD_MS / 2) {
      this.#lookThrough(Math.min(ms - BEHIND_MS, first?.start ?? ms), Math.max(ms + AHEAD_MS, last?.end ?? ms))
      return this.stretchAt(ms)
    }
    let low = 0
    let high = known.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((known[middle] as Stretch).start <= ms) low = middle
      else high = middle - 1
    }
    return known[low] as Stretch
  }

  /** What the clocks show at an instant, as `nextLocalTime` writes it. */
  localTime(ms: number): number {
    return ms + this.stretchAt(ms).offset
  }

  #lookThrough(from: number, until: number): void {
    const offsetAt = offsetsOf(this.name)
    const [first, last] = [this.#stretches[0], this.#stretches.at(-1)]
    const changes =
      first && last
        ? [
            ...changesBetween(offsetAt, from, first.start),
            ...this.#stretches.slice(1).map(({ start }) => start),
            ...changesBetween(offsetAt, last.end, until),
          ]
        : changesBetween(offsetAt, from, until)
    const starts = [from, ...changes]
    const offsets = starts.map(offsetAt)
    this.#stretches = starts.map((start, i) => {
      const offset = offsets[i] as number
      return {
        start,
        end: starts[i + 1] ?? until,
        offset,
        offsetBefore: offsets[i - 1] ?? offset,
        offsetAfter: offsets[i + 1] ?? offset,
      }
    })
  }
}

/** The instants after `from`, up to `until`, at which the offset is another than just before. */
function changesBetween(offsetAt: (ms: number) => number, from: number, until: number): number[] {
  const changes: number[] = []
  for (let start = from; start < until; start += SAMPLE_MS) {
    const end = Math.min(start + SAMPLE_MS, until)
    if (offsetAt(start) !== offsetAt(end)) changes.push(changeBetween(offsetAt, start, end))
  }
  return changes
}

function changeBetween(offsetAt: (ms: number) => number, start: number, end: number): number {
  const offset = offsetAt(start)
  let [before, from] = [Math.floor(start / 1000), Math.ceil(end / 1000)]
  while (from - before > 1) {
    const middle = Math.floor((before + from) / 2)
    if (offsetAt(middle * 1000) === offset) before = middle
    else from = middle
  }
  return from * 1000
}

/** Asks Intl. The format takes tens of kilobytes, so no zone keeps one. */
function offsetsOf(timeZone: string): (ms: number) => number {
  const twoDigits = '2-digit'
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: twoDigits,
    day: twoDigits,
    hour: twoDigits,
    minute: twoDigits,
    second: twoDigits,
  })
  return (ms) => {
    const [month = 0, day, year = 0, hour, minute, second] = format.format(ms).split(/\D+/).map(Number)
    return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(ms / 1000) * 1000
  }
}

const ZONES = new Map<string, Zone>()
/** More than there are names; whoever writes them in all cases of letters makes us forget, not grow. */
const ZONES_MAX = 2000

/**
 * The zone of an IANA name: `Europe/Berlin`, `UTC`.
 *
 * @throws FoliotError validation_failed with the name that was likely meant.
 */
export function zoneOf(name: string): Zone {
  const known = ZONES.get(name)
  if (known) return known
  const zone = new Zone(checkZone(name))
  if (ZONES.size >= ZONES_MAX) ZONES.clear()
  ZONES.set(name, zone)
  return zone
}

function checkZone(name: string): string {
  // Intl takes `+02:00` too; but a fixed offset is no zone, and most who write one want daylight saving.
  if (/^[A-Za-z]/.test(name)) {
    try {
      offsetsOf(name)
      return name
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
  const meant = nearestWord(name, Intl.supportedValuesOf('timeZone'))
  const message = `expected \`timezone\` to be the IANA name of a zone, got ${JSON.stringify(name.slice(0, 100))}`
  const hint = meant ? `Did you mean ${meant}?` : 'Write it like "Europe/Berlin" or "UTC".'
  throw new FoliotError('validation_failed', message, { hint, errors: [{ path: '/timezone', message }] })
}
