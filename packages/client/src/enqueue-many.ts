import { readResults } from './answer.ts'
import type { ResolvedOptions } from './client-options.ts'
import { FoliotBatchError } from './errors.ts'
import { type EnqueueResult, type JobRequest, jobRequestText, withIdempotencyKey } from './job-request.ts'
import { retryBudget, send } from './send.ts'

/** What the api takes in one batch. */
const BATCH_JOBS = 1000
/** 8 MiB, less what surrounds the jobs. */
const BATCH_BYTES = 8 * 1024 * 1024 - 100

interface Item {
  index: number
  request: JobRequest
  text: string
}

/**
 * Enqueues any number of jobs in batches, one after the other, so that they keep their order.
 *
 * @throws FoliotBatchError if a batch as a whole got no usable answer; it holds the results until then.
 */
export async function enqueueMany(
  options: ResolvedOptions,
  requests: readonly JobRequest[],
  signal: AbortSignal | undefined,
): Promise<EnqueueResult[]> {
  const items = requests.map((given, index): Item => {
    const request = withIdempotencyKey(given)
    return { index, request, text: jobRequestText(request) }
  })
  const results: (EnqueueResult | undefined)[] = items.map(() => undefined)
  try {
    for (const batch of batchesOf(items)) await sendBatch(options, batch, results, signal)
  } catch (cause) {
    const unanswered = items.filter(({ index }) => !results[index]).map(({ request }) => request)
    throw new FoliotBatchError(results, unanswered, cause)
  }
  return results.filter((result) => result !== undefined)
}

/** Puts the answers to a batch into `results`. Jobs that the api had no room for are sent again, and only they. */
async function sendBatch(
  options: ResolvedOptions,
  batch: Item[],
  results: (EnqueueResult | undefined)[],
  signal: AbortSignal | undefined,
): Promise<void> {
  const budget = retryBudget(options.maxRetries)
  let pending = batch
  for (;;) {
    const body = `{"jobs":[${pending.map(({ text }) => text).join(',')}]}`
    const request = { method: 'POST', path: '/v1/jobs/batch', body, repeatable: true, signal } as const
    const answer = await send(options, request, budget)
    const answers = readResults(answer, pending.length)
    pending.forEach(({ index }, n) => {
      results[index] = answers[n]
    })
    pending = pending.filter((_, n) => [429, 503].includes(answers[n]?.status ?? 0))
    if (pending.length === 0 || !(await budget.next(answer.retryAfterMs, signal))) return
    // Their old answers say nothing about the try that follows.
    for (const { index } of pending) results[index] = undefined
  }
}

function* batchesOf(items: Item[]): Generator<Item[]> {
  const encoder = new TextEncoder()
  let batch: Item[] = []
  let bytes = 0
  for (const item of items) {
    const itemBytes = encoder.encode(item.text).length + 1
    if (batch.length === BATCH_JOBS || (batch.length > 0 && bytes + itemBytes > BATCH_BYTES)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(item)
    bytes += itemBytes
  }
  if (batch.length > 0) yield batch
}
