/** Which run is meant. Keys of one tenant are apart from those of another; each text counts as it is, unnormalized. */
export interface RunKey {
  /** 1 to 256 characters. */
  readonly tenant: string
  /** 1 to 4096 characters; `keyOf` makes one of its parts. */
  readonly key: string
}

export interface BeginOptions {
  /** Who runs it, for people to read: 1 to 256 characters without control characters. The same owner is not let in twice. */
  readonly owner: string
  /** For how long nobody else may begin. 1 ms to 24 h, default 60 000. Longer than the run takes at its slowest. */
  readonly leaseMs?: number
}

export interface FinishOptions {
  /** For how long the end is kept: after it, the key is as new. 1 ms to 30 days, default 24 h. */
  readonly retentionMs?: number
}

export interface FailOptions extends FinishOptions {
  /** Whether the next `begin` starts anew. `false`: it is told of this failure instead. Default true. */
  readonly retryable?: boolean
}

/** The caller owns the run and finishes it with this token. Times are in ms since 1970 by the clock of the store. */
export interface Started {
  readonly status: 'started'
  /**
   * The fencing token. It grows with each beginning of the key, also after the key was forgotten; what else the run
   * writes to can refuse a smaller one than it has seen.
   */
  readonly token: number
  readonly leaseEndsAt: number
}

/** Another owner runs it, and its lease has not run out. */
export interface InProgress {
  readonly status: 'in_progress'
  readonly owner: string
  readonly startedAt: number
  readonly leaseEndsAt: number
  /** What is left of the lease, free of any difference between clocks. */
  readonly retryAfterMs: number
}

interface Ended {
  readonly owner: string
  readonly startedAt: number
  readonly finishedAt: number
}

export interface Completed extends Ended {
  readonly status: 'completed'
  readonly result: unknown
}

export interface Failed extends Ended {
  readonly status: 'failed'
  readonly error: unknown
  readonly retryable: boolean
}

export type RunRecord = InProgress | Completed | Failed

/**
 * Remembers runs by key, so that each takes place once. Every operation is one atomic step, and time is the store's.
 * Results and errors are JSON, 64 KiB at most; `undefined` is kept as `null`.
 *
 * A lease that has run out lets another owner begin. Whoever held it may still finish until somebody has begun; from
 * then on its token is refused. Doing the same `complete` or `fail` again is harmless, for an answer may get lost.
 *
 * Each operation throws a FoliotError `validation_failed` if an argument is out of its bounds.
 */
export interface RunOnceStore {
  /** Starts the run, or tells why not. A failure that may be retried, or a lease that has run out, is no hindrance. */
  begin(run: RunKey, options: BeginOptions): Promise<Started | RunRecord>

  /** The run as it stands. Undefined if it never began, if its end is forgotten, or if its lease has run out. */
  get(run: RunKey): Promise<RunRecord | undefined>

  /**
   * Ends the run and keeps its result.
   *
   * @throws FoliotError `conflict` if the token is not that of the latest `begin`, or the run ended otherwise before;
   *   `payload_too_large` or `validation_failed` if the result is too large or no JSON: the run is then still in progress.
   */
  complete(run: RunKey, token: number, result: unknown, options?: FinishOptions): Promise<void>

  /** Ends the run and keeps why it failed. Throws as `complete` does. */
  fail(run: RunKey, token: number, error: unknown, options?: FailOptions): Promise<void>
}
