import type { Area } from './command.ts'
import { createKey } from './keys/create.ts'
import { listKeys } from './keys/list.ts'
import { revokeKey } from './keys/revoke.ts'

/** Every command, by its two words. */
export const AREAS: Readonly<Record<string, Area>> = {
  keys: { create: createKey, list: listKeys, revoke: revokeKey },
}
