export { type ApiKey, ApiKeys, parseApiKeys } from './api-keys.ts'
export { isLoopback } from './loopback.ts'
export { SCOPES, type Scope } from './scopes.ts'
