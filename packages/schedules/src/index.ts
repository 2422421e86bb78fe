export { Calendar, type CalendarDefinition, type WeeklyWindow } from './calendar.ts'
export { type CatchUp, type CatchUpDecision, catchUp } from './catch-up.ts'
export { type ClockJump, type ClockReading, clockJump } from './clock-jump.ts'
export { compileRule } from './compile-rule.ts'
export { describeRule } from './describe-rule.ts'
export type { Dst } from './dst.ts'
export {
  decideMisfire,
  type Misfire,
  type MisfireDecision,
  type SkippedTick,
} from './misfire.ts'
export { type Pause, pauseReason } from './pause.ts'
export { type PreviewEntry, preview } from './preview.ts'
export type { CalendarUse, CompiledRule, RuleDefinition } from './rule.ts'
export { RuleBook } from './rule-book.ts'
export { shareSlots } from './share-slots.ts'
export {
  dueOf,
  type Excluded,
  excludedAfter,
  nextOutcome,
  nextTick,
  nextUndecided,
  previousTick,
  type Tick,
  ticksBetween,
  timesOf,
} from './tick.ts'
