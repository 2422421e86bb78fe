import type { Migration } from 'kysely/migration'
import { jobs } from './0001-jobs.ts'
import { access } from './0002-access.ts'
import { audit } from './0003-audit.ts'
import { deletions } from './0004-deletions.ts'
import { keySuccessors } from './0005-key-successors.ts'
import { schedules } from './0006-schedules.ts'
import { scheduleLimits } from './0007-schedule-limits.ts'

/** All migrations, in order. One that has been released is never changed: what it left out is another's. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-jobs': jobs,
  '0002-access': access,
  '0003-audit': audit,
  '0004-deletions': deletions,
  '0005-key-successors': keySuccessors,
  '0006-schedules': schedules,
  '0007-schedule-limits': scheduleLimits,
}
