export type { CalendarCalls, CalendarRef } from './calendars.ts'
export type { CallOptions, ChangeOptions, TenantOptions } from './call-options.ts'
export { createClient, type FoliotClient, type WaitOptions } from './client.ts'
export type { ClientOptions } from './client-options.ts'
export { ClientTimeoutError, FoliotApiError, FoliotBatchError, FoliotConnectionError } from './errors.ts'
export type {
  EnqueueOptions,
  EnqueueResult,
  EnqueueResults,
  JobRequest,
  JobRequests,
  TypedJob,
} from './job-request.ts'
export type {
  Backfill,
  CalendarRequest,
  CalendarUse,
  Page,
  PreviewRequest,
  PutCalendar,
  SchedulePreview,
  ScheduleRequest,
  ScheduleRule,
  ScheduleTick,
  ShownCalendar,
  ShownSchedule,
  Time,
} from './schedule-types.ts'
export type {
  BackfillOptions,
  ListSchedulesOptions,
  ListTicksOptions,
  PageOptions,
  PauseOptions,
  ScheduleCalls,
  ScheduleRef,
  TriggerOptions,
} from './schedules.ts'
