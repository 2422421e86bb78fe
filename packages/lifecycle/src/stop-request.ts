/** Who asked the process to stop: the first time, and the second. */
export interface StopRequest {
  /** `SIGTERM`, `SIGINT` or `stdin ended`. */
  first: Promise<string>
  second: Promise<string>
}

/** Listens for SIGTERM and SIGINT, and with `supervised` for the end of stdin. */
export function stopRequest(supervised: boolean): StopRequest {
  const first = Promise.withResolvers<string>()
  const second = Promise.withResolvers<string>()
  let asked = false
  const ask = (by: string): void => {
    ;(asked ? second : first).resolve(by)
    asked = true
  }
  process.on('SIGTERM', ask)
  process.on('SIGINT', ask)
  if (supervised) {
    // A supervisor holds the other end of this pipe. It closes when the supervisor ends, also by SIGKILL.
    process.stdin.once('end', () => ask('stdin ended')).resume()
    process.stdin.once('error', () => ask('stdin ended'))
  }
  return { first: first.promise, second: second.promise }
}
