import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** What is due when, and what became of ticks that made no job. */
export const schedules: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      create table foliot.schedules (
        tenant text collate "C" not null,
        id text collate "C" not null,
        -- Of its last change, which no other change has.
        revision bigint not null,
        type text not null,
        paused boolean not null,
        -- When it is resumed by itself.
        paused_until timestamptz,
        labels jsonb not null,
        -- The names of those that it keeps away from.
        calendars text[] not null,
        -- All of it, as JSON. A schedule that was deleted leaves its row without it, for whoever keeps a copy of all.
        definition text,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        deleted_at timestamptz,
        primary key (tenant, id),
        check ((definition is null) = (deleted_at is not null))
      )`.execute(db)
    await sql`create unique index schedules_changes on foliot.schedules (revision)`.execute(db)
    await sql`create index schedules_labels on foliot.schedules using gin (labels jsonb_path_ops)`.execute(db)
    await sql`
      create index schedules_calendars on foliot.schedules using gin (calendars) where calendars <> '{}'`.execute(db)
    await sql`create index schedules_deleted on foliot.schedules (deleted_at) where deleted_at is not null`.execute(db)
    await sql`
      create table foliot.calendars (
        tenant text collate "C" not null,
        name text collate "C" not null,
        revision bigint not null,
        definition text,
        created_at timestamptz not null,
        updated_at timestamptz not null,
        deleted_at timestamptz,
        primary key (tenant, name),
        check ((definition is null) = (deleted_at is not null))
      )`.execute(db)
    await sql`create unique index calendars_changes on foliot.calendars (revision)`.execute(db)
    // One row, which whoever changes a schedule or a calendar raises and holds meanwhile: a greater revision is a later change.
    await sql`
      create table foliot.schedules_revision (
        one boolean primary key default true check (one),
        revision bigint not null
      )`.execute(db)
    await sql`insert into foliot.schedules_revision (revision) values (0)`.execute(db)
    await sql`
      create table foliot.ticks (
        tenant text collate "C" not null,
        schedule_id text collate "C" not null,
        scheduled_for timestamptz not null,
        -- Of several that follow each other, the last; the same as scheduled_for if it is one.
        until timestamptz not null,
        -- Null if they were too many to count.
        count bigint,
        outcome text not null,
        reason text not null,
        decided_at timestamptz not null,
        primary key (tenant, schedule_id, scheduled_for)
      )`.execute(db)
    await sql`create index ticks_age on foliot.ticks (decided_at)`.execute(db)
  },
}
