import type { Service } from './service.ts'
import { stopRequest } from './stop-request.ts'

export interface RunOptions {
  /** Started one after the other, in this order. */
  start: readonly Service[]
  /** Stopped one after the other, in this order. Every one of them, also if one before it failed. */
  stop: readonly Service[]
  /** How long the stop may take, in milliseconds, before the process ends without it. */
  stopWithinMs: number
  /** Stop as on SIGTERM when stdin ends: whoever started this process is gone. Default false. */
  supervised?: boolean
  log: Log
}

/** What this package needs of a logger; pino's fits. */
export interface Log {
  info(fields: object, message: string): void
  error(fields: object, message: string): void
  fatal(fields: object, message: string): void
}

/** The exit code of a process whose part broke, or could not be stopped. */
const EXIT_BROKEN = 1

/**
 * The life of a process: starts its parts, waits for SIGTERM or SIGINT, stops them, and ends it. A second signal ends it
 * at once. A part that cannot start, and an error that nobody caught, end it too, after an orderly stop.
 */
export async function runServices({ start, stop, stopWithinMs, supervised = false, log }: RunOptions): Promise<never> {
  const request = stopRequest(supervised)
  const broken = Promise.withResolvers<string>()
  process.on('uncaughtException', (err) => {
    log.fatal({ err }, 'an error that nobody caught; stopping')
    broken.resolve('an uncaught error')
  })

  let reason = await Promise.race([startAll(start, log), request.first, broken.promise])
  const started = reason === undefined
  reason ??= await Promise.race([request.first, broken.promise])
  log.info({ reason }, 'stopping')
  void request.second.then((signal) => {
    log.fatal({ reason: signal }, 'told a second time; ending at once')
    process.exit(EXIT_BROKEN)
  })
  setTimeout(() => {
    log.fatal({ stopWithinMs }, `not stopped within ${stopWithinMs} ms; ending without it`)
    process.exit(EXIT_BROKEN)
  }, stopWithinMs)
  const clean = await stopAll(stop, log)
  log.info({}, 'stopped')
  process.exit(clean && (await isQuiet(broken.promise)) && (started || isSignal(reason)) ? 0 : EXIT_BROKEN)
}

/** Resolves to undefined, or to why the process cannot go on. */
async function startAll(services: readonly Service[], log: Log): Promise<string | undefined> {
  for (const service of services) {
    try {
      await service.start()
    } catch (err) {
      log.fatal({ err, service: service.name }, `${service.name} could not start: ${messageOf(err)}`)
      return `${service.name} could not start`
    }
  }
  return undefined
}

async function stopAll(services: readonly Service[], log: Log): Promise<boolean> {
  let clean = true
  for (const service of services) {
    try {
      await service.stop()
    } catch (err) {
      clean = false
      log.error({ err, service: service.name }, `${service.name} did not stop cleanly: ${messageOf(err)}`)
    }
  }
  return clean
}

const isSignal = (reason: string | undefined): boolean => reason?.startsWith('SIG') === true || reason === 'stdin ended'

/** Whether the promise is still pending. */
const isQuiet = (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => false), Promise.resolve(true)])

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
