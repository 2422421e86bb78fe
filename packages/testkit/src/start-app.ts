import type { LogLine } from './log-lines.ts'
import { startProcess } from './start-process.ts'
import type { TestProcess } from './test-process.ts'

/** The variables of an app. Nothing else of ours reaches it but PATH and HOME. */
export interface AppEnvironment {
  FOLIOT_REDIS_URL: string
  [name: string]: string
}

/** An app that has logged that it is ready. */
export interface TestApp extends TestProcess {
  /** Where it answers HTTP, as it said itself. No slash at the end. */
  readonly url: string
}

/** Starts apps/api on a free port of 127.0.0.1 and waits until it is ready. */
export function startApi(env: AppEnvironment): Promise<TestApp> {
  return startApp('apps/api/src/main.ts', { FOLIOT_API_PORT: '0', ...env })
}

/**
 * Starts apps/worker, its health endpoint on a free port of 127.0.0.1, and waits until it is ready. What it runs is
 * `FOLIOT_JOBS`.
 */
export function startWorker(env: AppEnvironment): Promise<TestApp> {
  return startApp('apps/worker/src/main.ts', { FOLIOT_WORKER_PORT: '0', ...env })
}

/** Starts apps/recorder, its health endpoint on a free port of 127.0.0.1. Ready, it need not have reached its PostgreSQL. */
export function startRecorder(env: AppEnvironment & { FOLIOT_DATABASE_URL: string }): Promise<TestApp> {
  return startApp('apps/recorder/src/main.ts', { FOLIOT_RECORDER_PORT: '0', ...env })
}

/** Starts apps/scheduler, its health endpoint on a free port of 127.0.0.1. Ready, it need not have read its schedules. */
export function startScheduler(env: AppEnvironment): Promise<TestApp> {
  return startApp('apps/scheduler/src/main.ts', { FOLIOT_SCHEDULER_PORT: '0', ...env })
}

/** Starts the entry file of any app that logs `{"msg": "ready", "url": …}` and ends when its standard input does. */
export async function startApp(entry: string, env: Readonly<Record<string, string>>): Promise<TestApp> {
  // Supervised, an app ends with this process even if that is killed.
  const app = await startProcess({ entry, env: { FOLIOT_SUPERVISED: '1', ...env }, until: isReady })
  const url = String(app.lines.find(isReady)?.json?.url).replace(/\/$/, '')
  return Object.defineProperty(app, 'url', { value: url, enumerable: true }) as TestApp
}

const isReady = ({ json }: LogLine): boolean => json?.msg === 'ready' && typeof json.url === 'string'
