/** Beginnings of ioredis' messages for a connection that is not there. */
const AWAY = [
  "Stream isn't writeable",
  'Connection is closed',
  'Command aborted',
  'Reached the max retries per request',
  'connect E',
  'read E',
  'write E',
]

/** Why Redis does not do now what it is asked for, though the connection is up. What it refuses it does not begin. */
export interface RedisRefusal {
  /** What is the matter, as a clause: "Redis is full". */
  readonly state: string
  /** What whoever runs Redis can do about it. */
  readonly mend: string
}

/** How long it takes until what Redis refused is tried again. */
export const REFUSED_PAUSE_MS = 1000

/** By the first word of Redis' error. */
const REFUSALS: Readonly<Record<string, RedisRefusal>> = {
  OOM: {
    state: 'Redis is full',
    mend: 'Redis needs room: see "Redis is full" in docs/operations.md',
  },
  MISCONF: {
    state: 'Redis cannot write to its disk',
    mend: 'its log says why; the disk may be full: see "Redis refuses writes" in docs/operations.md',
  },
  READONLY: {
    state: 'Redis is a replica that may only be read',
    mend: 'FOLIOT_REDIS_URL has to lead to the primary: see "Redis refuses writes" in docs/operations.md',
  },
  NOREPLICAS: {
    state: 'Redis has fewer replicas than its min-replicas-to-write asks for',
    mend: 'start them, or lower the setting',
  },
  LOADING: { state: 'Redis is still loading its data', mend: 'it serves when it has; its log tells how far it is' },
  MASTERDOWN: {
    state: 'Redis is a replica that has lost its primary',
    mend: 'start the primary, or promote a replica',
  },
  CLUSTERDOWN: { state: 'Redis is a cluster that is down', mend: '`redis-cli CLUSTER INFO` says why' },
  BUSY: { state: 'Redis is busy with a script that does not end', mend: '`redis-cli SCRIPT KILL` ends it' },
  // Our transactions are right: one that it aborts was refused for the state that it is in.
  EXECABORT: { state: 'Redis refused a transaction', mend: 'its log may say why' },
}

/** The first word of an error. Redis 6.2 has it behind the places in the script at which a command was refused. */
const FIRST_WORD = /^(?:ERR Error running script \(call to \w+\): )?(?:@user_script: ?\d+: -?)*-?([A-Z]+) /

/** How Redis said that it cannot do now what it was asked for; undefined if the error says anything else. */
export function refusalOf(error: unknown): RedisRefusal | undefined {
  if (!(error instanceof Error)) return undefined
  // An aborted transaction tells by its commands why. One that was not sent at all is among its own reasons.
  const { previousErrors = [] } = error as { previousErrors?: unknown[] }
  for (const cause of [...previousErrors, error]) {
    const word = FIRST_WORD.exec(cause instanceof Error ? cause.message : '')?.[1] ?? ''
    if (Object.hasOwn(REFUSALS, word)) return REFUSALS[word]
  }
  return undefined
}

/** Whether the error says that the connection to Redis is not there. */
const isRedisAway = (error: unknown): boolean =>
  error instanceof Error && AWAY.some((beginning) => error.message.startsWith(beginning))

/** Whether the error says that Redis is away, hung, full or otherwise unable, rather than that a command was wrong. */
export const isRedisTrouble = (error: unknown): boolean => isRedisAway(error) || refusalOf(error) !== undefined
