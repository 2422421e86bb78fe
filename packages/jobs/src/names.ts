const QUEUE_NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/
const JOB_TYPE_NAME = /^[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$/

export const isQueueName = (name: string): boolean => QUEUE_NAME.test(name)

/** `area.verb`: at least two lower-case parts joined by dots, 128 characters at most. */
export const isJobTypeName = (name: string): boolean => name.length <= 128 && JOB_TYPE_NAME.test(name)

export function assertQueueName(name: string): void {
  if (isQueueName(name)) return
  throw new TypeError(
    `expected a queue name like "email" ([a-z0-9][a-z0-9._-]*, at most 64 characters), got ${JSON.stringify(name)}`,
  )
}

export function assertJobTypeName(name: string): void {
  if (isJobTypeName(name)) return
  throw new TypeError(
    `expected a job type name like "billing.send-invoice" (lower case, parts joined by dots), got ${JSON.stringify(name)}`,
  )
}
