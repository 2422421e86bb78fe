import type { Scope } from './scopes.ts'

/** What a tenant may do at most. What is left out has no limit. */
export interface TenantLimits {
  /** Jobs that it may enqueue: `max` in each `perMs`. */
  enqueueRate?: { max: number; perMs: number }
  /** How many of its jobs that have not ended may be in one queue. */
  maxDepth?: number
}

/** A key of the store, as processes know it: never its secret. */
export interface StoredKey {
  id: string
  name: string
  /** SHA-256 of its secret, as 64 hexadecimal digits. */
  digest: string
  /** null: all of them. */
  tenant: string | null
  scopes: Scope[]
  /** ms since 1970; null: never. */
  expiresAt: number | null
}

/** All that a process needs of the store to know who may do what. Of two the one with the greater revision is the later. */
export interface AccessSnapshot {
  /** 0: a store that nothing was ever put into. */
  revision: number
  /** Whether a key was ever made, also if it counts no more. */
  hasKeys: boolean
  /** Whether one was besides the first one, which `npm start` makes. */
  hasOwnKeys: boolean
  /** When the first of those was made, in ms since 1970; null: there was none. Left out: that is not known. */
  ownKeysSince?: number | null
  /** Those that were not revoked and had not expired. */
  keys: StoredKey[]
  tenants: { name: string; limits: TenantLimits }[]
}

/** Reads what `JSON.stringify` made of one. Undefined for any other text. */
export function parseSnapshot(text: string): AccessSnapshot | undefined {
  try {
    const snapshot = JSON.parse(text) as Partial<AccessSnapshot> | null
    const isOne =
      Number.isSafeInteger(snapshot?.revision) && Array.isArray(snapshot?.keys) && Array.isArray(snapshot?.tenants)
    return isOne ? (snapshot as AccessSnapshot) : undefined
  } catch {
    return undefined
  }
}

export const EMPTY_SNAPSHOT: AccessSnapshot = Object.freeze({
  revision: 0,
  hasKeys: false,
  hasOwnKeys: false,
  keys: [],
  tenants: [],
})
