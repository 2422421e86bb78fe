/** Somebody's wish that a running job end. The hash holds it as JSON, in `cx`, until the attempt does. */
export interface CancelRequest {
  by: string
  reason: string
  /** ms since 1970 */
  at: number
}

/** What is published when a running job shall end. */
export interface CancelMessage {
  queue: string
  id: string
  request: CancelRequest
}

/** For one that was broken by hand: somebody did ask. */
export const UNREADABLE_REQUEST = { by: 'unknown', reason: 'the request to cancel it cannot be read', at: 0 }

/** Undefined for no request, or one that was broken by hand. */
export function parseCancelRequest(text: string | undefined): CancelRequest | undefined {
  if (text === undefined) return undefined
  try {
    const { by, reason, at } = JSON.parse(text) as Partial<CancelRequest>
    return typeof by === 'string' && typeof reason === 'string' && typeof at === 'number'
      ? { by, reason, at }
      : undefined
  } catch {
    return undefined
  }
}
