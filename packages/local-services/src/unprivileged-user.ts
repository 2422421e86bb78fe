import { readFile } from 'node:fs/promises'

/** Whose rights a process has. */
export interface User {
  uid: number
  gid: number
}

/** The first is made for just this; the second is on every Linux. */
const NAMES = ['postgres', 'nobody']

/**
 * The user to run PostgreSQL as when this process is root, whom it refuses.
 *
 * @throws Error if there is none.
 */
export async function unprivilegedUser(): Promise<User> {
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const name of NAMES) {
    const [, , uid, gid] = users.find(([found]) => found === name) ?? []
    if (Number(uid) > 0 && Number(gid) > 0) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error(
    `expected a user ${NAMES.join(' or ')} in /etc/passwd to run PostgreSQL as, because it refuses to run as root; ` +
      'there is none. Add one, or start this as another user than root',
  )
}
