import type { ApiKeyRecord } from './api-keys.ts'

/** A key as the REST API and the command show it: times in RFC 3339. */
export const shownKey = ({ createdAt, expiresAt, lastUsedAt, revokedAt, ...key }: ApiKeyRecord) => ({
  ...key,
  createdAt: new Date(createdAt).toISOString(),
  expiresAt: timeOrNull(expiresAt),
  lastUsedAt: timeOrNull(lastUsedAt),
  revokedAt: timeOrNull(revokedAt),
})

const timeOrNull = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString())
