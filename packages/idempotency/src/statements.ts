/**
 * The SQL of the PostgreSQL store. Times are ms since 1970 by the server's clock, read anew wherever it is asked for: a
 * statement may have waited for another that wrote the same run. `run` is the row as it stands.
 */

const NOW = 'floor(extract(epoch from clock_timestamp()) * 1000)::bigint'
const NOW_US = 'floor(extract(epoch from clock_timestamp()) * 1000000)::bigint'

/** `json` is text, so that what was kept comes back as it was. `expires_at` is when the row is as good as gone. */
export const CREATE = `
do $$ begin
  perform pg_advisory_xact_lock(4072026042);
  create table if not exists foliot_run_once (
    key text primary key,
    token bigint not null,
    status text not null,
    owner text not null,
    started_at bigint not null,
    lease_ends_at bigint not null,
    finished_at bigint,
    retryable boolean,
    json text,
    expires_at bigint not null
  );
  create index if not exists foliot_run_once_expiry on foliot_run_once (expires_at);
end $$`

/**
 * The token is the time in microseconds, or one more than the last token if that is not smaller: it grows also when the
 * last run is forgotten. A run that nobody finished is remembered beyond its lease, so that its owner may come late.
 *
 * $1 key  $2 owner  $3 lease ms  $4 ms to remember it after the lease. No row if another run stands in the way.
 */
export const BEGIN = `
insert into foliot_run_once as run (key, token, status, owner, started_at, lease_ends_at, expires_at)
select $1, ${NOW_US}, 'in_progress', $2, now, now + $3::bigint, now + $3::bigint + $4::bigint from (select ${NOW} as now) as clock
on conflict (key) do update set
  token = greatest(excluded.token, run.token + 1), status = excluded.status, owner = excluded.owner,
  started_at = excluded.started_at, lease_ends_at = excluded.lease_ends_at, expires_at = excluded.expires_at,
  finished_at = null, retryable = null, json = null
where run.expires_at <= ${NOW} or (run.status = 'in_progress' and run.lease_ends_at <= ${NOW})
  or (run.status = 'failed' and run.retryable)
returning token, lease_ends_at`

const COLUMNS = `status, owner, token, started_at, lease_ends_at, finished_at, retryable, json, ${NOW} as now`

/** $1 key. No row if nothing is kept. */
export const READ = `select ${COLUMNS} from foliot_run_once where key = $1 and expires_at > ${NOW}`

/** The same, but for a run whose lease has run out. */
export const GET = `${READ} and (status <> 'in_progress' or lease_ends_at > ${NOW})`

/**
 * $1 key  $2 token  $3 status  $4 JSON  $5 retryable  $6 retention ms. One row if it is so now, or was already; then what
 * is said again changes nothing.
 */
export const END = `
update foliot_run_once as run set
  status = $3, json = $4, retryable = $5,
  finished_at = case run.status when 'in_progress' then ${NOW} else run.finished_at end,
  expires_at = case run.status when 'in_progress' then ${NOW} + $6::bigint else run.expires_at end
where key = $1 and token = $2::bigint and expires_at > ${NOW}
  and (status = 'in_progress' or (status = $3 and json = $4 and retryable = $5))
returning token`

/** $1 how many at most. Rows that somebody is writing are left for the next time. */
export const FORGET = `
delete from foliot_run_once where key in (
  select key from foliot_run_once where expires_at <= ${NOW} order by expires_at limit $1 for update skip locked
)`
