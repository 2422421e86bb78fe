import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'

/** Who may do what: keys, and what tenants may do at most. */
export const access: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await sql`
      create table foliot.api_keys (
        id uuid primary key,
        name text not null,
        -- SHA-256 of the secret, which is stored nowhere.
        digest bytea not null unique check (octet_length(digest) = 32),
        -- Null: all tenants.
        tenant text,
        scopes text[] not null check (cardinality(scopes) > 0),
        -- Whether it is the one that npm start makes. Any other closes an api that was open to its machine.
        bootstrap boolean not null,
        created_at timestamptz not null,
        created_by text not null,
        expires_at timestamptz,
        -- Written now and then: it may be half a minute behind.
        last_used_at timestamptz,
        revoked_at timestamptz,
        -- By a rotation.
        replaced_by uuid references foliot.api_keys
      )`.execute(db)
    await sql`create index api_keys_order on foliot.api_keys (created_at desc, id desc)`.execute(db)
    await sql`
      create table foliot.tenants (
        name text primary key,
        enqueue_max bigint,
        enqueue_per_ms bigint,
        max_depth bigint,
        check ((enqueue_max is null) = (enqueue_per_ms is null))
      )`.execute(db)
    // One row. Whoever changes a key or a tenant raises it in the same transaction, so that one number tells what is new.
    await sql`
      create table foliot.access_revision (
        one boolean primary key default true check (one),
        revision bigint not null
      )`.execute(db)
    await sql`insert into foliot.access_revision (revision) values (0)`.execute(db)
  },
}
