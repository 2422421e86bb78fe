import { type AnyJobDefinition, cancel, isOutcome, LIMITS, outcomeKind, snooze, truncate } from '@foliot/jobs'
import { OutputText, toOutput } from '../output.ts'
import type { Performed } from '../perform.ts'
import type { SentResult } from './messages.ts'
import { toError } from './sent-error.ts'

/**
 * What a handler returned, as data.
 *
 * @throws UnrecoverableError `invalid_output` for what the schema refuses or JSON cannot say.
 */
export async function toSentResult(value: unknown, definition: AnyJobDefinition): Promise<SentResult> {
  if (!isOutcome(value)) return { kind: 'output', json: await toOutput(value, definition) }
  const kind = outcomeKind(value)
  if (kind === 'snooze' && 'ms' in value) return { kind, ms: value.ms }
  if (kind === 'cancel' && 'reason' in value) {
    return { kind, reason: truncate(String(value.reason), LIMITS.errorMessageBytes) }
  }
  return { kind: 'output', json: await toOutput('value' in value ? value.value : null, definition) }
}

/** The same as what the pipeline gets of a handler that ran in this process. */
export function fromSentResult(result: SentResult): Performed {
  switch (result.kind) {
    case 'output':
      return { kind: 'returned', value: new OutputText(result.json) }
    case 'snooze':
      return { kind: 'outcome', outcome: snooze(result.ms) }
    case 'cancel':
      return { kind: 'outcome', outcome: cancel(result.reason) }
    case 'threw':
      return { kind: 'threw', thrown: toError(result.error) }
  }
}
