import type { Job } from '@foliot/jobs'
import { readJob } from './answer.ts'
import type { ResolvedOptions } from './client-options.ts'
import { pause, withDeadline } from './deadline.ts'
import { ClientTimeoutError } from './errors.ts'
import { send } from './send.ts'

/** How long one poll is held open. Many proxies cut a silent connection after 30 s. */
const POLL_MS = 20_000

/** Kept for an answer to arrive, so that whoever gives up sees the job as it was just before. At most half of the time. */
const ANSWER_MS = 1000

/** After a poll that was answered early without an end, by an api that shuts down for example. */
const EARLY_PAUSE_MS = 500

/**
 * Asks for a job, by long polls, until it is terminal.
 *
 * @throws ClientTimeoutError after `timeoutMs`; what `send` throws; the signal's reason.
 */
export async function waitForEnd(
  options: ResolvedOptions,
  { id, timeoutMs, signal: parent }: { id: string; timeoutMs: number; signal: AbortSignal | undefined },
): Promise<Job> {
  const endMs = performance.now() + timeoutMs
  const answerMs = Math.min(ANSWER_MS, timeoutMs / 2)
  let last: Job | undefined
  const reason = () =>
    new ClientTimeoutError(
      `job ${id} was ${last ? `still ${last.status}` : 'not seen'} after ${timeoutMs} ms; it goes on, wait again to see its end`,
      last,
    )
  return withDeadline({ ms: timeoutMs, reason, parent }, async (signal) => {
    for (;;) {
      const sentMs = performance.now()
      const leftMs = endMs - sentMs
      // One poll ends early enough to tell how the job is; one more takes up the rest, for an end that comes late.
      const holdMs = leftMs > answerMs ? leftMs - answerMs : leftMs
      const pollMs = Math.max(1, Math.ceil(Math.min(POLL_MS, holdMs)))
      const answer = await send(options, {
        method: 'GET',
        path: `/v1/jobs/${id}/wait?timeoutMs=${pollMs}`,
        timeoutMs: pollMs + options.timeoutMs,
        repeatable: true,
        signal,
      })
      last = readJob(answer)
      if (answer.status === 200) return last
      if (performance.now() - sentMs < pollMs / 2) await pause(EARLY_PAUSE_MS, signal)
    }
  })
}
