const TENANT_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/

export const isTenantName = (name: string): boolean => TENANT_NAME.test(name)

/** The tenant of whoever names none. */
export const DEFAULT_TENANT = 'default'

/** In UTF-16 units. */
export const KEY_NAME_MAX = 100

/** How others are named that are in no store: keys of FOLIOT_API_KEYS, and who shows no key. */
const TAKEN = /^(key-[0-9a-f]{8}|anyone)$/i

/** The name of a key: one line that people can read, and cannot take for somebody else. */
export const isKeyName = (name: string): boolean =>
  name.trim() !== '' &&
  !TAKEN.test(name.trim()) &&
  name.length <= KEY_NAME_MAX &&
  name.isWellFormed() &&
  !/\p{Cc}|\p{Zl}|\p{Zp}/u.test(name)
