import type { ApiKeyRecord } from '@foliot/history'

/** A key as the REST API answers it: times in RFC 3339. */
export function shownKey({ createdAt, expiresAt, lastUsedAt, revokedAt, ...key }: ApiKeyRecord) {
  return {
    ...key,
    createdAt: toTime(createdAt),
    expiresAt: toTime(expiresAt),
    lastUsedAt: toTime(lastUsedAt),
    revokedAt: toTime(revokedAt),
  }
}

const toTime = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())

/** Whether it counts, for people. @param now in ms since 1970 */
export function stateOf({ revokedAt, expiresAt }: ApiKeyRecord, now: number): 'revoked' | 'expired' | 'counts' {
  if (revokedAt !== null) return 'revoked'
  return expiresAt !== null && expiresAt <= now ? 'expired' : 'counts'
}
