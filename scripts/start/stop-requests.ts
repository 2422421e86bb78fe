/** What the user, or who runs us, wants. */
export interface StopRequests {
  /** Stop in order. */
  readonly stop: AbortSignal
  /** Do not wait for anybody. */
  readonly kill: AbortSignal
}

/**
 * Listens for the wish to end: Ctrl-C (a second one kills), SIGTERM, the end of the terminal, the death of
 * scripts/run.mjs. SIGTERM may come several times, from whoever passes it on, and means the same each time.
 */
export function listenForStop(): StopRequests {
  const stop = new AbortController()
  const kill = new AbortController()
  process.on('SIGINT', () => {
    // run.mjs would otherwise take the signal for one that reached only itself, and send it a second time.
    if (process.connected) process.send?.('SIGINT')
    if (stop.signal.aborted) kill.abort()
    stop.abort()
  })
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
  process.on('disconnect', () => stop.abort())
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Who read our output has gone, as in `npm start | head`.
    if (error.code !== 'EPIPE') throw error
    stop.abort()
  })
  return { stop: stop.signal, kill: kill.signal }
}
