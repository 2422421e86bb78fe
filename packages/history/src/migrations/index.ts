import type { Migration } from 'kysely/migration'
import { jobs } from './0001-jobs.ts'

/** All migrations, in order. One that has been released is never changed: what it left out is another's. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = { '0001-jobs': jobs }
