import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/**
 * Who changed what by hand. One table without partitions: there are thousands of rows where there are millions of jobs. A
 * trigger keeps it from being changed or deleted from, whoever asks, but for two things that the recorder does.
 */
export const audit: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      create table foliot.audit (
        id uuid primary key,
        -- When it was written down, before the change was made.
        at timestamptz not null,
        actor_id text not null,
        actor_name text not null,
        -- Null for a key of all tenants.
        actor_tenant text,
        ip text not null,
        forwarded_for text,
        user_agent text,
        action text not null,
        target_kind text not null,
        target_id text,
        target_tenant text,
        -- JSON, as are the next two: what was asked for beyond that, and how it was before and after.
        asked text not null,
        before text not null,
        after text not null,
        reason text,
        -- Of the HTTP answer; null as long as nobody knows what became of it.
        status integer,
        code text,
        ended_at timestamptz,
        trace_id text not null
      )`.execute(db)
    await sql`create index audit_order on foliot.audit (at desc, id desc)`.execute(db)
    await sql`create index audit_target on foliot.audit (target_id, at desc, id desc)`.execute(db)
    await sql`create index audit_actor on foliot.audit (actor_id, at desc, id desc)`.execute(db)
    await sql`
      create function foliot.keep_audit() returns trigger language plpgsql as $$
      declare
        -- What an outcome brings.
        later constant text[] := array['target_kind', 'target_id', 'target_tenant', 'before', 'after', 'status', 'code', 'ended_at'];
        dropped_before constant text := current_setting('foliot.audit_dropped_before', true);
      begin
        if tg_op = 'UPDATE' then
          if old.status is null and new.status is not null and to_jsonb(old) - later = to_jsonb(new) - later then
            return new;
          end if;
          raise exception 'expected an outcome for an audit entry that has none, got another change of entry %', old.id
            using errcode = 'insufficient_privilege', hint = 'audit entries are never changed';
        end if;
        if tg_op = 'DELETE' and dropped_before <> '' then
          -- Whatever a session says, the last day stays.
          if old.at < least(dropped_before::timestamptz, now() - interval '23 hours') then return old; end if;
        end if;
        raise exception 'expected audit entries to be left alone, got %', tg_op
          using errcode = 'insufficient_privilege', hint = 'they go by their age alone: FOLIOT_AUDIT_DAYS';
      end $$`.execute(db)
    await sql`
      create trigger keep_audit before update or delete on foliot.audit
      for each row execute function foliot.keep_audit()`.execute(db)
    await sql`
      create trigger keep_all_audit before truncate on foliot.audit
      for each statement execute function foliot.keep_audit()`.execute(db)
  },
}
