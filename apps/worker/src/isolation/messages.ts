import type { Claim } from '@foliot/queue'
import type { ClassifiedError } from '@foliot/retries'
import type { Answer, Call } from './calls.ts'

/** What a worker tells a process of isolated jobs. */
export type ToChild =
  /** The first message. Answered by `loaded` or `refused`. */
  | { kind: 'load'; modules: readonly string[]; folder: string }
  /** Only when the one before is over. Answered by `began` and at last by `performed`. */
  | { kind: 'perform'; claim: Claim }
  /** For the job that runs: its signal aborts. */
  | { kind: 'abort'; reason: SentStop }
  /** It is not needed any more. */
  | { kind: 'end' }
  | Answer

/** What it hears from there. */
export type FromChild =
  | { kind: 'loaded' }
  | { kind: 'refused'; error: ClassifiedError }
  | { kind: 'began' }
  | Call
  | { kind: 'performed'; result: SentResult }
  /** Of an error that nobody caught: the process is ending. */
  | { kind: 'uncaught'; error: ClassifiedError }

/** How a handler ended. What it returned has been checked by the schema and is JSON text; what it threw is data. */
export type SentResult =
  | { kind: 'output'; json: string }
  | { kind: 'snooze'; ms: number }
  | { kind: 'cancel'; reason: string }
  | { kind: 'threw'; error: ClassifiedError }

/** The reason of an aborted signal. `more` holds the properties that it has beside its name and message. */
export interface SentStop {
  name: string
  message: string
  more: Record<string, unknown>
}
