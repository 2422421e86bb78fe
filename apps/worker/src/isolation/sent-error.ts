import type { ClassifiedError } from '@foliot/retries'

/**
 * An error that was thrown in another process and came here as data. `classifyError` finds in it what it found there, so
 * that the retry policy cannot tell the difference.
 */
export function toError({ name, message, stack, ...treatment }: ClassifiedError): Error {
  // The stack of this line would tell of nobody's mistake: what had none there has none here.
  return Object.assign(Object.defineProperty(new Error(message), 'stack', { value: stack }), { name, ...treatment })
}
