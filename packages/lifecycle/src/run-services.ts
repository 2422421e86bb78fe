import type { Service } from './service.ts'
import { stopRequest } from './stop-request.ts'

export interface RunOptions {
  /** Started one after the other, in this order. */
  start: readonly Service[]
  /** Stopped one after the other, in this order. Every one of them, also if one before it failed. */
  stop: readonly Service[]
  /** Resolves, with the reason, when a part can no longer do its work: the process stops in order, and exits with 1. */
  broken?: Promise<string>
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
export async function runServices(options: RunOptions): Promise<never> {
  const { start, stop, stopWithinMs, supervised = false, log } = options
  const request = stopRequest(supervised)
  const broken = Promise.withResolvers<string>()
  let isBroken = false
  const breakDown = (reason: string): void => {
    isBroken = true
    broken.resolve(reason)
  }
  process.on('uncaughtException', (err) => {
    log.fatal({ err }, 'an error that nobody caught; stopping')
    breakDown('an uncaught error')
  })

  void options.broken?.then((reason) => {
    log.fatal({ reason }, `${reason}; stopping`)
    breakDown(reason)
  })

  const stopping = new AbortController()
  void startAll(start, stopping.signal, (err, service) => {
    log.fatal({ err, service }, `${service} could not start: ${messageOf(err)}`)
    breakDown(`${service} could not start`)
  })
  const reason = await Promise.race([request.first, broken.promise])
  stopping.abort()
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
  process.exit(clean && !isBroken ? 0 : EXIT_BROKEN)
}

/** Starts nothing more once the process is stopping. A part that is stopped while it starts may fail of that: no news. */
async function startAll(
  services: readonly Service[],
  stopping: AbortSignal,
  onFailure: (err: unknown, service: string) => void,
): Promise<void> {
  for (const service of services) {
    if (stopping.aborted) return
    try {
      await service.start()
    } catch (err) {
      if (!stopping.aborted) onFailure(err, service.name)
      return
    }
  }
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

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
