import { type DstSkip, dstSkips } from './cron-times.ts'
import { describeMissing, describeTimes, localText } from './local-text.ts'
import type { CompiledRule } from './rule.ts'
import { nextOutcome, nextTick, type Outcome, type Tick } from './tick.ts'
import type { Zone } from './zone.ts'

/** One line of a preview. Instants are milliseconds since 1970. */
export type PreviewEntry =
  | (Tick & { readonly kind: 'tick' })
  | {
      readonly kind: 'skipped'
      /** When it would have been due; a time that does not exist: when the clocks leapt over it. */
      readonly nominal: number
      /** Why, for people. */
      readonly explanation: string
    }

/** As many skipped times are told; calendars may skip for years. */
const SKIPPED_MAX = 1000

/**
 * The next `count` ticks after `fromMs`, and before the last of them what is skipped, each with its reason; if there are fewer, all
 * that is skipped up to the end of the rule. Times that one calendar skips without a break are one line.
 */
export function preview(rule: CompiledRule, fromMs: number, count: number): PreviewEntry[] {
  const ticks: Tick[] = []
  while (ticks.length < count) {
    const tick = nextTick(rule, ticks.at(-1)?.nominal ?? fromMs)
    if (!tick) break
    ticks.push(tick)
  }
  const isOver = ticks.length < count
  const untilMs = isOver ? rule.endAt : (ticks.at(-1)?.nominal ?? fromMs)
  // A sort keeps the order of what is equal: what a tick stands for comes before it.
  return [
    ...skippedByCalendars(rule, fromMs, untilMs),
    ...skippedByClocks(rule, fromMs, untilMs),
    ...ticks.map((tick): PreviewEntry => ({ kind: 'tick', ...tick, ...repeatNote(rule, tick) })),
  ].sort((a, b) => a.nominal - b.nominal)
}

function* skippedByCalendars(rule: CompiledRule, afterMs: number, untilMs: number): Generator<PreviewEntry> {
  if (rule.calendars.length === 0) return
  let told = 0
  for (let outcome = nextOutcome(rule, afterMs); outcome && outcome.nominal < untilMs && told < SKIPPED_MAX; ) {
    if (outcome.kind === 'skipped') {
      yield { kind: 'skipped', nominal: outcome.nominal, explanation: reason(rule, outcome) }
      told += 1
    }
    outcome = nextOutcome(rule, outcome.resumeAt)
  }
}

function reason(rule: CompiledRule, { nominal, by, mergedInto, resumeAt }: Outcome & { kind: 'skipped' }): string {
  const at = (ms: number) => localText(rule.zone.localTime(ms))
  if (mergedInto !== undefined)
    return `${at(nominal)} is skipped: the tick of ${at(mergedInto)}, moved by the calendar "${by.name}", stands for it`
  const rest = Number.isFinite(resumeAt) ? `, as is all up to ${at(resumeAt + 1)}` : ''
  return `${at(nominal)} is skipped: it is in the calendar "${by.name}"${rest}`
}

function skippedByClocks(rule: CompiledRule, afterMs: number, untilMs: number): PreviewEntry[] {
  const { timing, zone, startAt, endAt } = rule
  // By default a rule for every hour goes by elapsed time: what clocks leap over is not skipped but never was.
  if (timing.kind !== 'cron' || (timing.dst.missing === 'skip' && !timing.dstGiven)) return []
  const skips = dstSkips(timing.fields, zone, timing.dst, Math.max(afterMs, startAt - 1), Math.min(untilMs, endAt - 1))
  return Array.from(skips, (skip) => {
    return { kind: 'skipped', nominal: skip.at, explanation: describeSkip(skip, zone) }
  })
}

function describeSkip(skip: DstSkip, zone: Zone): string {
  if (skip.kind === 'missing') return `${describeMissing(skip, zone.name)}: skipped`
  if (skip.kind === 'merged')
    return `${describeMissing(skip, zone.name)}: the tick of ${localText(zone.localTime(skip.at))} stands for ${skip.count === 1 ? 'it' : 'them'}`
  const time = skip.kind === 'first' ? 'first' : 'second'
  const is = skip.count === 1 ? 'is' : 'are'
  return `${describeTimes(skip)} ${is} skipped the ${time} time: the clocks go back in ${zone.name}`
}

/** Which of two times with the same name a tick has, if the clocks go back. */
function repeatNote({ timing, zone }: CompiledRule, tick: Tick): { explanation?: string } {
  if (timing.kind !== 'cron') return {}
  const { start, end, offset, offsetBefore, offsetAfter } = zone.stretchAt(tick.nominal)
  const local = tick.nominal + offset
  const which = local < start + offsetBefore ? 'second' : local >= end + offsetAfter ? 'first' : undefined
  if (which === undefined) return {}
  const note = `${localText(local)} comes twice in ${zone.name}, the clocks go back: this is the ${which}`
  return { explanation: tick.explanation === undefined ? note : `${note}; ${tick.explanation}` }
}
