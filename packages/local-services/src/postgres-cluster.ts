import { randomBytes } from 'node:crypto'
import { chown, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findPostgres, type PostgresPrograms } from './find-postgres.ts'
import { dataFolder } from './postgres-kind.ts'
import { runAs } from './run-as.ts'
import { type User, unprivilegedUser } from './unprivileged-user.ts'

/** Superuser and database, of the same name. */
export const NAME = 'foliot'

/**
 * What PostgreSQL calls its data folder, in which it is started. By its path it might not be able to reach it: whom it
 * runs as need not have the right to pass through the folders above.
 */
export const HERE = '/proc/self/cwd'

/** Who may connect: with the password, over loopback. */
const CLIENTS = 'host all all 127.0.0.1/32 scram-sha-256'

/** Data that a server can be started on. */
export interface PostgresCluster {
  /** Where the server's own files are, and what it has to be started in. */
  data: string
  password: string
  /** Who the server runs as. Undefined: as this process. */
  user: User | undefined
  programs: PostgresPrograms
}

/**
 * The data in `dir`, made if there is none.
 *
 * @throws Error if it cannot be made, or there is data without its password.
 */
export async function openCluster(dir: string): Promise<PostgresCluster> {
  const data = dataFolder(dir)
  const owner = await stat(data).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  const user = process.getuid?.() === 0 ? (owner ?? (await unprivilegedUser())) : undefined
  const cluster = { data, user: user && { uid: user.uid, gid: user.gid } }
  const programs = await findPostgres({ user: cluster.user })
  const passwordFile = join(dir, 'password')
  if (owner !== undefined) return { ...cluster, programs, password: await readPassword(passwordFile, dir) }
  const password = randomBytes(24).toString('base64url')
  await rm(passwordFile, { force: true })
  await writeFile(passwordFile, password, { mode: 0o600 })
  await makeCluster({ ...cluster, programs, password })
  return { ...cluster, programs, password }
}

async function readPassword(file: string, dir: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new Error(
      `expected the password of the PostgreSQL in ${dir} in ${file}, got no such file. ` +
        `Put it back, or remove ${dir} to begin with no data`,
      { cause },
    )
  }
}

/** Under another name until it is whole: what was cut short is made anew. */
async function makeCluster({ data, password, user, programs }: PostgresCluster): Promise<void> {
  const draft = `${data}.new`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { mode: 0o700 })
  if (user !== undefined) await chown(draft, user.uid, user.gid)
  const asOwner = { user, cwd: draft }
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  // Nobody can connect until there is a password. It is set without a client, and stands in no list of processes. What
  // is written into the folder is written by its owner: root would follow a link that somebody has put there.
  const access = ['-U', NAME, '--auth=reject']
  await runAs(programs.initdb, ['-D', HERE, ...access, ...locale, '--no-sync', '--no-instructions'], asOwner)
  const statements = [
    `ALTER ROLE ${NAME} PASSWORD '${password}'`,
    `CREATE DATABASE ${NAME}`,
    `COPY (SELECT '${CLIENTS}') TO '${HERE}/pg_hba.conf'`,
  ]
  await runAs(programs.postgres, ['--single', '-F', '-D', HERE, '-c', 'exit_on_error=on', 'postgres'], {
    ...asOwner,
    input: statements.map((statement) => `${statement}\n`).join(''),
  })
  await rename(draft, data)
}
