/** A process of isolated jobs: runs handlers for the worker that started it, one at a time, until it is let go. */
import { writeFileSync } from 'node:fs'
import { JobError } from '@foliot/jobs'
import type { Claim } from '@foliot/queue'
import { classifyError } from '@foliot/retries'
import { createContext } from '../context.ts'
import { loadJobPacks, type Runnables } from '../job-packs.ts'
import { readJob } from '../read-job.ts'
import { CallSender } from './call-sender.ts'
import { IsolatedAttempt } from './isolated-attempt.ts'
import type { FromChild, SentResult, ToChild } from './messages.ts'
import { toSentResult } from './sent-result.ts'

/** The system's own measure of whom to end first when memory runs out, from -1000 to 1000. */
const OOM_SCORE = '1000'

const MODULES_CHANGED = 'expected the job modules to be those that the worker has loaded, but now they have no handler'

const send = takeChannel()
const calls = new CallSender(send)
let runnables: Runnables = new Map()
let running: IsolatedAttempt | undefined

process.on('disconnect', () => process.exit())
// A supervisor may signal all processes of a service. The worker hears it too, and decides when this one ends.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
process.on('uncaughtExceptionMonitor', (error) => send({ kind: 'uncaught', error: classifyError(error) }))
process.on('message', (message: ToChild) => receive(message))
offerAsVictim()

function receive(message: ToChild): void {
  switch (message.kind) {
    case 'load':
      void load(message.modules, message.folder)
      break
    case 'perform':
      void perform(message.claim)
      break
    case 'abort':
      running?.abort(message.reason)
      break
    case 'end':
      process.exit()
      break
    case 'answer':
      calls.settle(message)
      break
  }
}

async function load(modules: readonly string[], folder: string): Promise<void> {
  try {
    runnables = await loadJobPacks(modules, folder)
    send({ kind: 'loaded' })
  } catch (thrown) {
    send({ kind: 'refused', error: classifyError(thrown) })
    process.disconnect()
  }
}

async function perform(claim: Claim): Promise<void> {
  const attempt = new IsolatedAttempt(claim, calls)
  running = attempt
  send({ kind: 'began' })
  const result = await handle(attempt)
  await attempt.end()
  running = undefined
  send({ kind: 'performed', result })
}

/** Never rejects. */
async function handle(attempt: IsolatedAttempt): Promise<SentResult> {
  try {
    // The worker has read it before, but what its schema made of the input may be anything: it is made again here.
    const job = await readJob(attempt.claim, runnables, Math.random)
    if (job.kind === 'not_here') throw new JobError(`${MODULES_CHANGED} for "${attempt.claim.type}"`)
    const value: unknown = await job.handler(job.input, createContext(attempt))
    return await toSentResult(value, job.definition)
  } catch (thrown) {
    return { kind: 'threw', error: classifyError(thrown) }
  }
}

/** Takes the way to the worker for itself: a library that finds it would talk to a worker that does not understand. */
function takeChannel(): (message: FromChild) => void {
  const toWorker = process.send?.bind(process)
  if (!toWorker) throw new Error('expected to be started by a worker: this file runs isolated jobs for one')
  process.send = undefined as never
  return (message) => void toWorker(message, undefined, undefined, () => undefined)
}

/** When the system runs out of memory, it should end a job rather than the worker with all of them. */
function offerAsVictim(): void {
  if (process.platform !== 'linux') return
  try {
    writeFileSync('/proc/self/oom_score_adj', OOM_SCORE)
  } catch {
    // A sandbox may not allow it. The system then chooses as it always does.
  }
}
