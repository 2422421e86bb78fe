/** What a handler did. */
export interface Effect {
  /** `<job id>:<step>` */
  key: string
  jobId: string
  /** The number of the request that the job was made for. */
  request: number
  attempt: number
}

/** A step's result, as a handler got it from the platform. */
export interface StepResult {
  /** `<job id>:<step>` */
  key: string
  attempt: number
  result: string
}

/**
 * Tells the sink. That it has heard so before, and refuses to hear it again (409), is no failure: a handler may run twice.
 *
 * @throws Error if it cannot be reached or answers anything else, and the signal's reason.
 */
export async function tellSink(url: string, told: Effect | StepResult, signal: AbortSignal): Promise<void> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(told), signal })
  await response.body?.cancel()
  if (response.ok || response.status === 409) return
  throw new Error(`expected ${url} to answer 200 or 409, got ${response.status}`)
}
