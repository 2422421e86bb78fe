import { setTimeout as sleep } from 'node:timers/promises'
import { HEALTHY_AFTER_MS, restartDelayMs } from './restart-delay.ts'

/** A process that runs. */
export interface Child {
  /** Settles with how it ended, as words: `code 1`, `SIGKILL`. */
  readonly exited: Promise<{ code: number | null; how: string }>
  /** Asks it to end, or, with SIGKILL, ends it. Nothing happens if it has ended. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void
}

/** A process that is started again whenever it dies. */
export interface KeptChild {
  readonly name: string
  /** Ends it by SIGTERM, for good. Waits; safe to call twice. */
  stop(): Promise<void>
  /** Ends it by SIGKILL, for good. Waits; safe to call twice. */
  kill(): Promise<void>
}

export interface KeepRunningOptions {
  name: string
  first: Child
  /** Starts the next one. If that fails, it counts as one more death. */
  restart: () => Child | Promise<Child>
  /** Told what happens, a line each. */
  say: (line: string) => void
  /** Told when it has ended with code 78: its configuration is wrong, which no restart can mend. Default: restarts. */
  onConfigError?: () => void
}

/** EX_CONFIG of sysexits.h: what the apps end with when a setting is wrong. */
const CONFIG_ERROR = 78

/** One who does not end on SIGTERM would keep the rest from ending in order. Longer than any grace of the apps. */
const STOP_PATIENCE_MS = 60_000

export function keepRunning({ name, first, restart, say, onConfigError }: KeepRunningOptions): KeptChild {
  const stopping = new AbortController()
  let child = first

  const keep = async (): Promise<void> => {
    for (let deaths = 0; ; ) {
      const startedAt = performance.now()
      const { code, how } = await child.exited
      if (stopping.signal.aborted) return
      if (code === CONFIG_ERROR && onConfigError !== undefined) return onConfigError()
      deaths = performance.now() - startedAt >= HEALTHY_AFTER_MS ? 1 : deaths + 1
      const delayMs = restartDelayMs(deaths)
      say(`${name} ended (${how}); starting it again in ${delayMs / 1000} s`)
      await sleep(delayMs, undefined, { signal: stopping.signal }).catch(passOverAbort)
      if (stopping.signal.aborted) return
      child = await start(restart)
      if (stopping.signal.aborted) child.signal('SIGTERM')
    }
  }
  const ended = keep()

  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    stopping.abort()
    child.signal(signal)
    const impatience = setTimeout(() => {
      say(`${name} has not ended ${STOP_PATIENCE_MS / 1000} s after SIGTERM: killing it`)
      child.signal('SIGKILL')
    }, STOP_PATIENCE_MS)
    await ended
    clearTimeout(impatience)
  }
  return { name, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') }
}

async function start(restart: KeepRunningOptions['restart']): Promise<Child> {
  try {
    return await restart()
  } catch (error) {
    const how = error instanceof Error ? error.message : String(error)
    return { exited: Promise.resolve({ code: null, how }), signal: () => undefined }
  }
}

function passOverAbort(error: Error): void {
  if (error.name !== 'AbortError') throw error
}
