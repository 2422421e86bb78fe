import { createHash } from 'node:crypto'
import { ERROR_KINDS } from '@foliot/jobs'

interface StoredFailure {
  /** The job's type. */
  name?: string | null | undefined
  /** Kind of the last failure. */
  ek?: string | null | undefined
  /** Fingerprint of the last failure that an attempt reported: `<kind>-<digest>`. */
  fp?: string | null | undefined
}

/**
 * The fingerprint of a stored failure. One that no attempt reported, because its process died or it could not be read, has
 * that of its type and kind: the one stored may be of an earlier failure, which another kind tells.
 */
export function fingerprintOf({ name, ek, fp }: StoredFailure): string {
  const kind = ek ?? ERROR_KINDS.error
  if (fp?.startsWith(`${kind}-`)) return fp
  const digest = createHash('sha256')
    .update(name ?? '')
    .digest('hex')
  return `${kind}-${digest.slice(0, 16)}`
}
