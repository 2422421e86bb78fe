export {
  AUDIT_OUTCOMES,
  type AuditActor,
  type AuditBegin,
  type AuditEnd,
  type AuditEntry,
  type AuditFilter,
  type AuditOutcome,
  type AuditTarget,
  auditOutcomeOf,
  fitsAudit,
  toAuditEntry,
} from './audit.ts'
export { decimalOf, isDecimal } from './decimal.ts'
export {
  type AnyJobDefinition,
  defineJob,
  HISTORIES,
  type History,
  ISOLATIONS,
  type Isolation,
  type JobData,
  type JobDefinition,
  type JobInput,
  type JobOptions,
  type JobOutput,
  type JobSchema,
} from './define-job.ts'
export { describeJob } from './describe-job.ts'
export { earlierLinesNote, earlierLinesOf } from './earlier-lines.ts'
export {
  ERRORS,
  type ErrorCode,
  type FieldError,
  FoliotError,
  type FoliotErrorOptions,
  type Problem,
} from './errors.ts'
export { type Handler, type Handlers, type JobContext, type JobLog, type JobPack, jobPack } from './handler.ts'
export type { Job, JobFailure, JobType, TimelineEntry } from './job.ts'
export { ERROR_KINDS, JobError, type JobErrorOptions, UnrecoverableError } from './job-error.ts'
export { isJobId, newJobId } from './job-id.ts'
export { LIMITS, PRIORITY_MAX } from './limits.ts'
export { isJobTypeName } from './names.ts'
export { cancel, done, isOutcome, type Outcome, outcomeKind, snooze } from './outcome.ts'
export { masker, REDACTED, redact } from './redact.ts'
export {
  type Backoff,
  DEFAULT_RETRY_POLICY,
  type ErrorMatch,
  type RetryOptions,
  type RetryPolicy,
  type RetryRule,
  type RetryRuleOptions,
} from './retry-policy.ts'
export {
  isScheduleId,
  LATE_STARTS,
  type LateStart,
  MISFIRES,
  type MisfirePolicy,
  OVERLAPS,
  type OverlapPolicy,
  type Schedule,
  type ScheduleChange,
  type ScheduledJobOptions,
  type StoredCalendar,
  type StoredWindow,
  scheduleKey,
  scheduleOfKey,
  TICK_OUTCOMES,
  type TickOutcome,
  type UnfiredTick,
} from './schedule.ts'
export { isDeadLetter, isTerminal, type JobStatus, MOVES, STATUSES, type TimelineEvent } from './states.ts'
export { truncate } from './truncate.ts'
export { searchedTexts, wordsOf } from './words.ts'
