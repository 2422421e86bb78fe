import { FoliotError } from '@foliot/jobs'
import { RUN_ONCE_DEFAULTS, RUN_ONCE_LIMITS } from './limits.ts'
import type { BeginOptions, FinishOptions, RunKey } from './run-once-store.ts'

/** What every store checks, so that all of them refuse the same with the same words. */

export function checkRunKey({ tenant, key }: RunKey): void {
  checkText('tenant', tenant, RUN_ONCE_LIMITS.tenantLength)
  checkText('key', key, RUN_ONCE_LIMITS.keyLength)
}

/** The owner and the length of its lease. */
export function resolveBegin({ owner, leaseMs = RUN_ONCE_DEFAULTS.leaseMs }: BeginOptions): Required<BeginOptions> {
  checkText('owner', owner, RUN_ONCE_LIMITS.ownerLength)
  if (/\p{Cc}/u.test(owner)) throw invalid('owner', 'text without control characters', owner)
  return { owner, leaseMs: checkMs('leaseMs', leaseMs, RUN_ONCE_LIMITS.leaseMs) }
}

export const resolveRetention = ({ retentionMs = RUN_ONCE_DEFAULTS.retentionMs }: FinishOptions): number =>
  checkMs('retentionMs', retentionMs, RUN_ONCE_LIMITS.retentionMs)

/** Text that is kept apart from any other: half of a surrogate pair would be stored as the mark for "unreadable". */
export function checkText(name: string, text: unknown, maxLength: number): void {
  if (typeof text === 'string' && text !== '' && text.length <= maxLength && text.isWellFormed()) return
  throw invalid(name, `well-formed text of 1 to ${maxLength} characters`, text)
}

function checkMs(name: string, ms: unknown, max: number): number {
  if (typeof ms === 'number' && Number.isInteger(ms) && ms >= 1 && ms <= max) return ms
  throw invalid(name, `whole milliseconds from 1 to ${max}`, ms)
}

/** A result or an error as the text that is stored. */
export function toJson(name: 'result' | 'error', value: unknown): string {
  const json = stringify(name, value ?? null)
  if (json === undefined) throw invalid(name, 'a JSON value', value)
  const bytes = Buffer.byteLength(json)
  if (bytes <= RUN_ONCE_LIMITS.jsonBytes) return json
  throw new FoliotError(
    'payload_too_large',
    `expected ${name} to be at most ${RUN_ONCE_LIMITS.jsonBytes} bytes of JSON, got ${bytes}`,
    { hint: 'store it elsewhere, and keep here where it is' },
  )
}

function stringify(name: string, value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    // A BigInt, a circle, or a `toJSON` that throws.
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new FoliotError('validation_failed', `expected ${name} to be a JSON value: ${reason}`, { cause })
  }
}

export function invalid(name: string, expected: string, got: unknown): FoliotError {
  const shown = typeof got === 'string' ? JSON.stringify(got.length > 80 ? `${got.slice(0, 80)}…` : got) : String(got)
  const length = typeof got === 'string' ? ` (${got.length} characters)` : ''
  return new FoliotError('validation_failed', `expected ${name} to be ${expected}, got ${shown}${length}`)
}
