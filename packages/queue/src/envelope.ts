/** What Foliot knows of a job beyond BullMQ's own fields. Stored as JSON in the job hash, written once, at enqueue. */
export interface Envelope {
  /** Version of the job type when the job was enqueued. */
  version: number
  tenant: string
  labels: Record<string, string>
  /** W3C trace context of the request that made the job. */
  traceparent: string
  /** Set if the request overrode the type's `timeoutMs`. */
  timeoutMs?: number
  /** The earliest start in ms since 1970, if the job was delayed. */
  runAt?: number
}

/** For a job whose envelope is missing or cannot be read, for example one that was added by plain BullMQ. */
export const NO_ENVELOPE: Envelope = Object.freeze({
  version: 1,
  tenant: 'default',
  labels: Object.freeze({}),
  traceparent: '00-00000000000000000000000000000000-0000000000000000-00',
})
