import type { KeyRing } from '@foliot/access'
import type { Catalog, Disk, EventFeed } from '@foliot/queue'
import type { Logger, Metrics } from '@foliot/telemetry'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import type { Redis } from 'ioredis'
import type { AccessStore } from './access/access-store.ts'
import type { KeyUses } from './access/key-uses.ts'
import type { WrongKeys } from './access/wrong-keys.ts'
import type { AuditLog } from './audit/audit-log.ts'
import type { Backlog } from './backlog.ts'
import type { Finishes } from './finishes.ts'
import type { History } from './history.ts'
import type { InputCheck } from './input-check.ts'
import type { JobLogs } from './job-logs.ts'
import type { JobReader } from './job-reader.ts'
import type { Operations } from './operations.ts'
import type { ScheduleStore } from './schedules/schedule-store.ts'
import type { Streams } from './streams/streams.ts'

/** The server, with routes that take and give what their Zod schemas say. */
export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  ZodTypeProvider
>

/** What the routes work with. Built in `main.ts`. */
export interface ApiDeps {
  /** A connection for requests, with our scripts defined on it. */
  redis: Redis
  /** That of the same Redis. */
  disk: Disk
  catalog: Catalog
  inputs: InputCheck
  /** Reads jobs from wherever they are. */
  jobs: JobReader
  logs: JobLogs
  /** Undefined where nothing is recorded. */
  history: History | undefined
  finishes: Finishes
  feed: EventFeed
  streams: Streams
  backlog: Backlog
  operations: Operations
  schedules: ScheduleStore
  /** Keys, and what tenants may do at most. */
  access: KeyRing
  /** Changes them. */
  accessStore: AccessStore
  keyUses: KeyUses
  wrongKeys: WrongKeys
  /** Who changes what by hand. */
  audit: AuditLog
  metrics: Metrics
  log: Logger
}
