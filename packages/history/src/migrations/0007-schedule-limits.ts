import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** How many schedules and calendars a tenant has, and may have. */
export const scheduleLimits: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    // Nobody makes one while those that there are get counted.
    await sql`select from foliot.schedules_revision for update`.execute(db)
    // Whoever makes or deletes one counts it, under the lock of the revision: to count them all takes longer with each.
    await sql`
      create table foliot.definition_counts (
        tenant text collate "C" primary key,
        schedules bigint not null,
        calendars bigint not null
      )`.execute(db)
    await sql`
      insert into foliot.definition_counts (tenant, schedules, calendars)
      select tenant, count(*) filter (where kind = 'schedule'), count(*) filter (where kind = 'calendar')
      from (
        select 'schedule' as kind, tenant from foliot.schedules where deleted_at is null
        union all
        select 'calendar' as kind, tenant from foliot.calendars where deleted_at is null
      ) as there
      group by tenant`.execute(db)
    // Null: as many as by default.
    await sql`alter table foliot.tenants add column max_schedules bigint, add column max_calendars bigint`.execute(db)
  },
}
