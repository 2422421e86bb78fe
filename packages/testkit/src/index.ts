export type { PostgresServer, RedisServer } from '@foliot/local-services'
export { askPostgres } from './ask-postgres.ts'
export { atEndOfFile } from './at-end-of-file.ts'
export type { LogLine } from './log-lines.ts'
export {
  type AppEnvironment,
  startApi,
  startApp,
  startRecorder,
  startScheduler,
  startWorker,
  type TestApp,
} from './start-app.ts'
export { startPostgres } from './start-postgres.ts'
export { startProcess } from './start-process.ts'
export { startRedis } from './start-redis.ts'
export { temporaryFolder } from './temporary-folder.ts'
export { testDatabaseUrl } from './test-database-url.ts'
export type { ProcessExit, ProcessOptions, TestProcess, WaitForLineOptions } from './test-process.ts'
export { testRedisUrl } from './test-redis-url.ts'
export { type WaitUntilOptions, waitUntil } from './wait-until.ts'
