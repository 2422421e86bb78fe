import type { Area } from './command.ts'
import { exportHistory } from './history/export.ts'
import { pruneHistory } from './history/prune.ts'
import { createKey } from './keys/create.ts'
import { listKeys } from './keys/list.ts'
import { revokeKey } from './keys/revoke.ts'

/** Every command, by its two words. */
export const AREAS: Readonly<Record<string, Area>> = {
  keys: { create: createKey, list: listKeys, revoke: revokeKey },
  history: { export: exportHistory, prune: pruneHistory },
}
