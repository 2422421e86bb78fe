/**
 * Does work under a signal that aborts with the parent's reason, or with `reason()` after `ms` milliseconds. Leaves no
 * timer and no listener behind.
 *
 * @throws what the signal aborted with, if it did, whatever the work made of that.
 */
export async function withDeadline<T>(
  { ms, reason, parent }: { ms: number; reason: () => Error; parent: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  parent?.throwIfAborted()
  const controller = new AbortController()
  const { signal } = controller
  const follow = () => controller.abort(parent?.reason)
  parent?.addEventListener('abort', follow)
  const timer = setTimeout(() => controller.abort(reason()), ms)
  try {
    return await work(signal)
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    clearTimeout(timer)
    parent?.removeEventListener('abort', follow)
  }
}

/** Waits for `ms` milliseconds. @throws the signal's reason as soon as it aborts. */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const stop = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', stop)
      resolve()
    }, ms)
    signal?.addEventListener('abort', stop, { once: true })
  })
}
