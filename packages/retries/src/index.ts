export { type ClassifiedError, classifyError } from './classify-error.ts'
export { decideRetry } from './decide-retry.ts'
export { fingerprint } from './fingerprint.ts'
