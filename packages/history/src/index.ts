export { readAccessRevision, readAccessSnapshot } from './access/access-snapshot.ts'
export {
  type ApiKeyRecord,
  assertEndsBy,
  type ChangedKey,
  createApiKey,
  createFirstApiKey,
  type KeyOwner,
  type KeyPosition,
  listApiKeys,
  type NewApiKey,
  type Rotation,
  readApiKey,
  recordKeyUses,
  revokeApiKey,
  rotateApiKey,
} from './access/api-keys.ts'
export { dropEndedKeys } from './access/drop-ended-keys.ts'
export { shownKey } from './access/shown-key.ts'
export { deleteTenant, listTenants, readTenant, type StoredLimits, setTenant, type Tenant } from './access/tenants.ts'
export { dropOldAudit } from './audit/drop-old-audit.ts'
export { recordAudit } from './audit/record-audit.ts'
export { searchAudit } from './audit/search-audit.ts'
export { DATABASE_DEFAULTS, type Database, type DatabaseOptions, openDatabase } from './database.ts'
export { DATABASE_TROUBLES, type DatabaseTrouble, databaseTroubleOf, isDatabaseTrouble } from './database-trouble.ts'
export { announceDeletion, deleteAgain, deleteJobs, withdrawDeletion } from './delete-jobs.ts'
export { countOld, type Dropped, dropOld, type Retention } from './drop-old.ts'
export { groupErrors, type HistoryErrorGroup, type HistoryErrorGroups } from './error-groups.ts'
export type { FinishedAttempt, FinishedJob } from './finished-job.ts'
export { hasQueue } from './has-queue.ts'
export type { HistoryFilter, InputCondition } from './job-filter.ts'
export { migrate } from './migrate.ts'
export { isMissingTable, isUnmigrated } from './missing-table.ts'
export { keepPartitions, type PartitionOptions } from './partitions.ts'
export { readBriefs, readJob, readLog } from './read-job.ts'
export { type RecordResult, type RefusedJob, recordJobs } from './record-jobs.ts'
export type { Refused } from './refused.ts'
export {
  type CalendarRef,
  type ChangedCalendar,
  deleteCalendar,
  listCalendars,
  putCalendar,
  readCalendar,
  readCalendars,
} from './schedules/calendars.ts'
export { DEFINITIONS_MAX, type DefinitionLimits } from './schedules/definition-counts.ts'
export { dropDeletedSchedules } from './schedules/drop-deleted.ts'
export { listSchedules, readSchedule, type ScheduleFilter, type ScheduleRef } from './schedules/find-schedules.ts'
export { readScheduleChanges, readSchedulesRevision } from './schedules/schedule-changes.ts'
export {
  type ChangedSchedule,
  type ChangedSchedules,
  changeSchedules,
  deleteSchedule,
  putSchedule,
} from './schedules/schedules.ts'
export { dropOldTicks, recordTicks, searchTicks, type TickSearch } from './schedules/ticks.ts'
export { type FoundJob, type FoundJobs, type HistoryPosition, searchJobs } from './search-jobs.ts'
