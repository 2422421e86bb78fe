import type { ApiKey, KeyRing } from '@foliot/access'
import type { AccessStore } from './access-store.ts'

export interface KnownKeys {
  access: KeyRing
  accessStore: Pick<AccessStore, 'catchUp'>
}

/** The key with this secret, also one that was made elsewhere a moment ago. */
export async function findKey(secret: string, { access, accessStore }: KnownKeys): Promise<ApiKey | undefined> {
  const key = access.find(secret)
  if (key || secret === '') return key
  await accessStore.catchUp()
  return access.find(secret)
}
