import type { ApiKeyRecord } from '@foliot/history'

/** Whether it counts, for people. @param now in ms since 1970 */
export function stateOf({ revokedAt, expiresAt }: ApiKeyRecord, now: number): 'revoked' | 'expired' | 'counts' {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'counts'
}
