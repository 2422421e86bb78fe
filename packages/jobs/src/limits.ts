/** Sizes and counts that hold for every job. Bytes are of UTF-8 text. */
export const LIMITS = Object.freeze({
  /** A larger input is refused. */
  inputBytes: 64 * 1024,
  /** A larger output is cut, and says so. */
  outputBytes: 64 * 1024,
  /** A larger progress value is cut, and says so. */
  progressBytes: 4 * 1024,
  errorMessageBytes: 8 * 1024,
  errorStackBytes: 16 * 1024,
  /** One line of a job's log. */
  logLineBytes: 8 * 1024,
  /** The last lines kept of one job. */
  logLines: 1000,
  /** Steps of one job whose results are kept. */
  steps: 100,
  stepNameLength: 100,
  /** A larger result of a step fails the attempt. */
  stepBytes: 16 * 1024,
  labels: 32,
  labelKeyLength: 63,
  labelValueLength: 256,
  /** `maxAttempts` of one job. */
  attempts: 1000,
  /** So often the process may die under one job, whatever its `maxAttempts`. Then it is a dead letter. */
  deaths: 3,
  batchJobs: 1000,
  idempotencyKeyLength: 256,
  /** How far ahead `runAt` may lie: ten years. BullMQ orders delayed jobs exactly until 2039: its score is the time in ms times 4096. */
  runAheadMs: 10 * 365 * 24 * 60 * 60 * 1000,
})

/** BullMQ keeps 21 bits for a priority. */
export const PRIORITY_MAX = 2_097_151
