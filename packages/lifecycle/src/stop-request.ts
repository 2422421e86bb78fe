/** Who asked the process to stop. */
export interface StopRequest {
  /** `SIGTERM`, `SIGINT` or `stdin ended`. */
  first: Promise<string>
  /** The second signal. The end of stdin hurries nobody: a supervisor that told us to stop may end before we have. */
  second: Promise<string>
}

/** Listens for SIGTERM and SIGINT, and with `supervised` for the end of stdin. */
export function stopRequest(supervised: boolean): StopRequest {
  const first = Promise.withResolvers<string>()
  const second = Promise.withResolvers<string>()
  let signals = 0
  const onSignal = (signal: string): void => {
    first.resolve(signal)
    if (++signals === 2) second.resolve(signal)
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  if (supervised) {
    // A supervisor holds the other end of this pipe. It closes when the supervisor ends, also by SIGKILL.
    const onEnd = (): void => first.resolve('stdin ended')
    process.stdin.on('end', onEnd).on('error', onEnd).resume()
  }
  return { first: first.promise, second: second.promise }
}
