/** What every measured job is made of, the same for both arms. */

/** A job type of examples/demo that gives back its input. */
export const TYPE = 'demo.echo'
export const QUEUE = 'demo'

const INPUT_BYTES = 200

/** 200 bytes as JSON. */
export const INPUT = { text: 'x'.repeat(INPUT_BYTES - '{"text":""}'.length) }

export const LABELS = { team: 'billing', region: 'eu-west' }

/** As many attempts as a Foliot job has by default. */
export const ATTEMPTS = 3

/** What packages/queue keeps of finished jobs. The bench fails if the two arms do not keep the same number. */
export const RETENTION = { age: 3600, count: 5000 }
