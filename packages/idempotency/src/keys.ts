import { createHash } from 'node:crypto'
import type { RunKey } from './run-once-store.ts'

/** Digests, because a caller's text must never shape a key. */
const digest = (text: string): string => createHash('sha256').update(text).digest('base64url')

/** HASH with a TTL: a run (its fields stand in scripts.ts). The tenant is the hash tag: its runs share a slot of a cluster. */
export const runKey = ({ tenant, key }: RunKey): string => `foliot-x:{${digest(tenant)}}:once:${digest(key)}`
