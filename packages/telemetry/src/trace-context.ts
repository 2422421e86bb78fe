import { randomFillSync } from 'node:crypto'

/** Where a unit of work stands in a trace (W3C Trace Context, version 00). */
export interface TraceContext {
  /** 32 hex digits. */
  traceId: string
  /** 16 hex digits. */
  spanId: string
  /** Bit 0: the trace is sampled. */
  flags: number
}

/** Headers as Node gives them: names in lower case. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const B3_SINGLE = /^([0-9a-f]{32}|[0-9a-f]{16})-([0-9a-f]{16})(?:-([01d])(?:-[0-9a-f]{16})?)?$/i
const TRACE_ID = /^(?:[0-9a-f]{16}){1,2}$/i
const SPAN_ID = /^[0-9a-f]{16}$/i
const ZEROS = /^0+$/
const SAMPLED = 1

// A call to the system's generator costs more than the rest, so 256 contexts share one.
const CONTEXT_BYTES = 24
const pool = Buffer.allocUnsafe(CONTEXT_BYTES * 256)
let used = pool.length

/** A `traceparent` that starts a new trace, sampled unless told otherwise. */
export function newTraceparent(flags: number = SAMPLED): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const random = pool.toString('hex', used, used + CONTEXT_BYTES)
  used += CONTEXT_BYTES
  return formatTraceparent({ traceId: random.slice(0, 32), spanId: random.slice(32), flags })
}

export const formatTraceparent = ({ traceId, spanId, flags }: TraceContext): string =>
  `00-${traceId}-${spanId}-${(flags & 0xff).toString(16).padStart(2, '0')}`

/** Reads a `traceparent`; undefined if it is not a valid one. A later version is read as far as version 00 goes. */
export function parseTraceparent(header: string): TraceContext | undefined {
  const [, version, traceId = '', spanId = '', flags = '', rest] = TRACEPARENT.exec(header) ?? []
  if (version === undefined || version === 'ff' || (version === '00' && rest !== undefined)) return undefined
  if (ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined
  return { traceId, spanId, flags: Number.parseInt(flags, 16) }
}

/**
 * The `traceparent` of a request: its own, or the same said in B3 (one header or several), or a new one. A header that
 * is not valid starts a new trace, as the standard asks.
 */
export function traceContextOf(headers: Headers): string {
  const w3c = headers.traceparent
  const context = typeof w3c === 'string' ? parseTraceparent(w3c) : undefined
  if (context) return formatTraceparent(context)
  const b3 = headers.b3
  if (typeof b3 === 'string') return fromB3Single(b3)
  return fromB3Multi(headers)
}

function fromB3Single(header: string): string {
  if (header === '0') return newTraceparent(0)
  const [, traceId, spanId, sampling] = B3_SINGLE.exec(header) ?? []
  return fromB3(traceId, spanId, sampling)
}

function fromB3Multi(headers: Headers): string {
  const traceId = headers['x-b3-traceid']
  const spanId = headers['x-b3-spanid']
  const sampling = headers['x-b3-flags'] === '1' ? 'd' : headers['x-b3-sampled']
  return fromB3(traceId, spanId, sampling)
}

type Header = string | readonly string[] | undefined

/** Without a word about sampling the decision is ours, and it is yes. */
function fromB3(traceId: Header, spanId: Header, sampling: Header): string {
  const flags = sampling === '0' || sampling === 'false' ? 0 : SAMPLED
  if (typeof traceId !== 'string' || typeof spanId !== 'string') return newTraceparent(flags)
  if (!TRACE_ID.test(traceId) || !SPAN_ID.test(spanId) || ZEROS.test(traceId) || ZEROS.test(spanId)) {
    return newTraceparent(flags)
  }
  return formatTraceparent({ traceId: traceId.toLowerCase().padStart(32, '0'), spanId: spanId.toLowerCase(), flags })
}
