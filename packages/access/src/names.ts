const TENANT_NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/

export const isTenantName = (name: string): boolean => TENANT_NAME.test(name)

/** The tenant of whoever names none. */
export const DEFAULT_TENANT = 'default'

/** In UTF-16 units. */
export const KEY_NAME_MAX = 100

/** How others are named that are in no store: keys of FOLIOT_API_KEYS, who shows no key, and what makes keys beside the api. */
const TAKEN = /^(key-[0-9a-f]{8}|anyone|npm start|npm run foliot|foliot( .*)?)$/i

/** Ids of keys are looked for as their names are. */
const UUID = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i

/** What breaks a line, or is there and not seen. */
const UNSEEN = /\p{Cc}|\p{Cf}|\p{Zl}|\p{Zp}/u

/** What a name is refused by, for messages. */
export const KEY_NAME_RULE =
  `one line of 1 to ${KEY_NAME_MAX} characters that can be seen, with no blank at its ends, and no id or name that stands for ` +
  'somebody else, such as "anyone", "key-0123abcd" or "foliot keys create"'

/** The name of a key: one line that people can read, and cannot take for somebody else. */
export function isKeyName(name: string): boolean {
  if (name === '' || name.length > KEY_NAME_MAX || name !== name.trim()) return false
  if (!name.isWellFormed() || UNSEEN.test(name)) return false
  // Letters of other widths look the same.
  const read = name.normalize('NFKC').replaceAll(/\s+/g, ' ').trim()
  return read !== '' && !TAKEN.test(read) && !UUID.test(read)
}
