import { setTimeout } from 'node:timers/promises'

/**
 * Waits for `ms` milliseconds.
 *
 * @throws the signal's own reason as soon as it aborts, so that a timeout, a cancel and a shutdown stay apart.
 */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(ms, undefined, { signal })
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}
