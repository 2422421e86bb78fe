import type { RunningAttempt } from '@foliot/queue'
import { type ClassifiedError, classifyError } from '@foliot/retries'

/** What a handler in another process may ask of its attempt. A line here is all that another call needs. */
const CALLS = {
  /** Answered when the lines are stored, or refused, of which the pipeline hears at the end: more of them may come. */
  log: async (attempt: RunningAttempt, lines: readonly string[]): Promise<void> => {
    for (const line of lines) attempt.log(line)
    await attempt.flushLog().catch(() => undefined)
  },
  progress: (attempt: RunningAttempt, json: string): Promise<void> => attempt.progress(json),
  keepStep: (attempt: RunningAttempt, name: string, json: string): Promise<void> => attempt.keepStep(name, json),
}

export type CallName = keyof typeof CALLS

type WithoutAttempt<Args> = Args extends [RunningAttempt, ...infer Rest] ? Rest : never

export type CallArgs<Name extends CallName> = WithoutAttempt<Parameters<(typeof CALLS)[Name]>>

export type CallValue<Name extends CallName> = Awaited<ReturnType<(typeof CALLS)[Name]>>

/** A handler asks something of its attempt. Each call gets one answer with its id. */
export interface Call {
  kind: 'call'
  id: number
  name: CallName
  args: readonly unknown[]
}

export type Answer =
  | { kind: 'answer'; id: number; value: unknown }
  | { kind: 'answer'; id: number; error: ClassifiedError }

/** Does what was asked for. Never rejects: what is thrown is an answer too. */
export async function answerCall(attempt: RunningAttempt, { id, name, args }: Call): Promise<Answer> {
  const act = CALLS[name] as (attempt: RunningAttempt, ...args: readonly unknown[]) => Promise<unknown>
  try {
    return { kind: 'answer', id, value: await act(attempt, ...args) }
  } catch (thrown) {
    return { kind: 'answer', id, error: classifyError(thrown) }
  }
}
