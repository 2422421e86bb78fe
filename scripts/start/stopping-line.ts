/** The worker's default of FOLIOT_SHUTDOWN_GRACE_MS. */
const DEFAULT_GRACE_MS = 10_000

/** What the user reads at Ctrl-C: who stops in which order, and what that waits for. */
export function stoppingLine(names: readonly string[], env: NodeJS.ProcessEnv): string {
  const graceMs = Number(env.FOLIOT_SHUTDOWN_GRACE_MS || DEFAULT_GRACE_MS)
  const order = `Stopping ${names.join(', then ')} …`
  // The apps have refused a grace that is no number: no job runs.
  if (Number.isNaN(graceMs)) return order
  return `${order} Jobs that run have up to ${graceMs / 1000} s to end; a second Ctrl-C ends all at once.`
}
