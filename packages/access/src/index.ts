export {
  type AccessSnapshot,
  EMPTY_SNAPSHOT,
  parseSnapshot,
  type StoredKey,
  type TenantLimits,
} from './access-snapshot.ts'
export { type ApiKey, ApiKeys, digestOf, parseApiKeys, secretOf } from './api-keys.ts'
export { ANYONE_ID, type KeyHold, KeyRing, type KeyRingOptions } from './key-ring.ts'
export { isLoopback } from './loopback.ts'
export { DEFAULT_TENANT, isKeyName, isTenantName, KEY_NAME_MAX, KEY_NAME_RULE } from './names.ts'
export { newSecret } from './new-secret.ts'
export { SCOPES, type Scope } from './scopes.ts'
