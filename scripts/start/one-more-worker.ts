import { join } from 'node:path'
import { claimOn } from '@foliot/local-services'
import { aborted } from './aborted.ts'
import type { Output } from './output.ts'
import { runApp } from './running-app.ts'
import type { StartSettings } from './settings.ts'
import type { StopRequests } from './stop-requests.ts'
import { stoppingLine } from './stopping-line.ts'

export interface OneMoreWorkerOptions {
  settings: StartSettings
  /** Passed on to the worker. */
  env: NodeJS.ProcessEnv
  /** The main file of the worker. */
  entry: string
  /** Where a private Redis that runs has its data. */
  dataDir: string
  output: Output
  requests: StopRequests
}

/**
 * Runs one worker on the Redis of FOLIOT_REDIS_URL, or else on that of the Foliot that runs here, until asked to stop.
 *
 * @returns the exit code: 0 after an orderly stop, 1 after a configuration that it refused, 130 after a kill.
 * @throws Error if there is no Redis for it.
 */
export async function runOneMoreWorker(options: OneMoreWorkerOptions): Promise<number> {
  const { settings, output, requests } = options
  const redisDir = join(options.dataDir, 'redis')
  const redisUrl = settings.redisUrl ?? (await urlOfRedisOn(redisDir))
  if (redisUrl === undefined) {
    throw new Error(
      `Expected a Foliot to work for, got none: no Redis runs on ${redisDir}, and FOLIOT_REDIS_URL is not set.\n` +
        'Run `npm start` first, in another terminal.',
    )
  }
  const refused = new AbortController()
  output.show(`One more worker for ${settings.jobs}. Ctrl-C stops it.`)
  const { kept } = runApp('worker', {
    entry: options.entry,
    env: {
      NODE_COMPILE_CACHE: join(options.dataDir, 'compile-cache'),
      ...options.env,
      FOLIOT_REDIS_URL: redisUrl,
      FOLIOT_JOBS: settings.jobs,
    },
    output,
    onConfigError: () => refused.abort(),
  })
  const killed = aborted(requests.kill).then(async () => {
    await kept.kill()
    return 130
  })
  const orderly = async (): Promise<number> => {
    await Promise.race([aborted(requests.stop), aborted(refused.signal)])
    if (refused.signal.aborted) return 1
    output.say(stoppingLine([kept.name], options.env))
    await kept.stop()
    return 0
  }
  const code = await Promise.race([orderly(), killed])
  return requests.kill.aborted ? killed : code
}

async function urlOfRedisOn(dir: string): Promise<string | undefined> {
  const claim = await claimOn(dir)
  return claim && `redis://127.0.0.1:${claim.port}`
}
