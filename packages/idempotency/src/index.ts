export { type KeyParts, keyOf } from './key-of.ts'
export { RUN_ONCE_DEFAULTS, RUN_ONCE_LIMITS } from './limits.ts'
export { createRunOnceTable, type PostgresQueries, postgresRunOnceStore } from './postgres-store.ts'
export { redisRunOnceStore } from './redis-store.ts'
export type {
  BeginOptions,
  Completed,
  Failed,
  FailOptions,
  FinishOptions,
  InProgress,
  RunKey,
  RunOnceStore,
  RunRecord,
  Started,
} from './run-once-store.ts'
export { type OwnedRun, type RunOnceOptions, withRunOnce } from './with-run-once.ts'
