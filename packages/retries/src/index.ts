export { backoffMs } from './backoff.ts'
export { type ClassifiedError, classifyError } from './classify-error.ts'
export { decideRetry, type FailedAttempt, RETRY_AFTER_MAX_MS, type RetryDecision } from './decide-retry.ts'
export { describeDuration } from './describe-duration.ts'
