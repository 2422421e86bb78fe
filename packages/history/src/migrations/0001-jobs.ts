import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Jobs that have finished and their attempts, in a partition for each day on which jobs were made. */
export const jobs: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      create table foliot.jobs (
        id uuid not null,
        -- Of created_at, in UTC. Partitions are by it and no index begins with it, so a condition on it leaves out
        -- partitions and never misleads the planner into reading a day in order of time.
        day date not null check (day = (created_at at time zone 'UTC')::date),
        created_at timestamptz not null,
        tenant text not null,
        queue text not null,
        type text not null,
        status text not null,
        -- Of two states of a job the later one has the greater (attempt, moves, finished_at). Moves are the entries of its
        -- timeline, which only grows until the next attempt begins.
        attempt integer not null,
        moves integer not null,
        finished_at timestamptz not null,
        discarded_at timestamptz,
        -- From the start of the last attempt to the end; null if there was none.
        duration_ms bigint,
        error_name text,
        error_kind text,
        error_message text,
        fingerprint text,
        schedule_id text,
        trace_id text not null,
        -- The job as the REST API answers it. Text, not jsonb: input and output keep the order of keys and the spelling of
        -- numbers.
        document text not null,
        -- The last lines of its log, as a JSON array of strings.
        log text,
        -- What it is looked for by, see tags.ts.
        tags text[] not null,
        -- A copy of the input for searching alone.
        input_search jsonb,
        -- Of its errors and its log.
        words tsvector,
        primary key (id, day)
      ) partition by range (day)`.execute(db)
    await sql`
      create table foliot.attempts (
        job_id uuid not null,
        -- The job's.
        day date not null,
        attempt integer not null,
        worker text not null,
        started_at timestamptz not null,
        ended_at timestamptz not null,
        outcome text not null,
        error_name text,
        error_kind text,
        error_message text,
        reason text,
        primary key (job_id, attempt, day)
      ) partition by range (day)`.execute(db)
    await sql`create index jobs_order on foliot.jobs (created_at desc, id desc)`.execute(db)
    // New entries wait in a list and are sorted in together: that halves what it costs to record a job. Every search reads
    // the list, so it ends at 2 MB, and keepPartitions() empties those of days that have passed.
    await sql`
      create index jobs_search on foliot.jobs using gin (tags, input_search jsonb_path_ops, words)
      with (fastupdate = on, gin_pending_list_limit = 2048)`.execute(db)
    // With all that grouping a day of failures needs, so that it reads no job. Texts that stand whole in an index are cut.
    await sql`
      create index jobs_failures on foliot.jobs (finished_at desc) include (id, day, queue, type, fingerprint)
      where status in ('failed', 'timed_out') and fingerprint is not null`.execute(db)
    // Holds what belongs to no day that has a partition: none was made in time, or the day's was dropped and left them.
    await sql`create table foliot.jobs_default partition of foliot.jobs default`.execute(db)
    await sql`create table foliot.attempts_default partition of foliot.attempts default`.execute(db)
  },
}
