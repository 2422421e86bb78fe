export { type CallOptions, createClient, type FoliotClient, type WaitOptions } from './client.ts'
export type { ClientOptions } from './client-options.ts'
export { ClientTimeoutError, FoliotApiError, FoliotBatchError, FoliotConnectionError } from './errors.ts'
export type {
  EnqueueOptions,
  EnqueueResult,
  EnqueueResults,
  JobRequest,
  JobRequests,
  TypedJob,
} from './job-request.ts'
