import type { Job } from '@foliot/jobs'

/** Which jobs are meant. All that is given has to fit. */
export interface JobFilter {
  /** Where to look in Redis. */
  queues: readonly string[]
  /** The one that was asked for, if one was. A history may also have jobs of queues that are no more. */
  queue?: string
  type?: string
  tenant?: string
  label?: { key: string; value: string }
  errorKind?: string
  /** Of the last failure. */
  fingerprint?: string
  /** Only these jobs. */
  ids?: ReadonlySet<string>
  /** Not before, in ms since 1970: by when a job was made, or, of dead letters, died. */
  from?: number
  /** Before. */
  to?: number
}

/** Whether a job fits everything in the filter but its times. */
export const matchesFilter = (job: Job, { type, tenant, label, errorKind, fingerprint, ids }: JobFilter): boolean =>
  (ids === undefined || ids.has(job.id)) &&
  (type === undefined || job.type === type) &&
  (tenant === undefined || job.tenant === tenant) &&
  (label === undefined || job.labels[label.key] === label.value) &&
  (errorKind === undefined || job.error?.kind === errorKind) &&
  (fingerprint === undefined || job.error?.fingerprint === fingerprint)
