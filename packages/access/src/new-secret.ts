import { randomBytes } from 'node:crypto'

/** The secret of a new key: 32 random bytes behind `foliot_`, by which scanners of repositories and logs know it. */
export const newSecret = (): string => `foliot_${randomBytes(32).toString('base64url')}`
