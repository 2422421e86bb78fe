import { readFile, readlink, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { endProcess } from './end-process.ts'
import { isAlive } from './is-alive.ts'
import type { ServerKind } from './server-kind.ts'

export const postgresKind: ServerKind = {
  name: 'PostgreSQL',
  claimFile: 'postgres.json',
  // The first start makes the data before there is a server: a second here, more where the machine is busy.
  startMs: 10_000,
  serverOn,
  end,
}

/** Where the server has its own files, in the folder that is claimed. */
export const dataFolder = (dir: string): string => join(dir, 'data')

/** What PostgreSQL writes into its data folder while it runs. */
export interface PostmasterFile {
  pid: number
  port: number
  /** `ready` once clients are served. */
  status: string
}

/** Undefined if there is none, or if it is being written. */
export async function readPostmasterFile(dir: string): Promise<PostmasterFile | undefined> {
  try {
    const lines = (await readFile(join(dataFolder(dir), 'postmaster.pid'), 'utf8')).split('\n')
    // Process, data folder, start, port, socket folder, address, shared memory, status.
    const [pid, , , port, , , , status] = lines
    return { pid: Number(pid), port: Number(port), status: status?.trim() ?? '' }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Removes the file that a killed server has left. PostgreSQL would take it for one that runs as soon as any process has
 * the same id, which after a restart of a container is likely. What processes of the killed one still live, it knows by
 * their shared memory.
 */
export async function removeStaleLock(dir: string): Promise<void> {
  if ((await serverOn(dir)) === undefined) await rm(join(dataFolder(dir), 'postmaster.pid'), { force: true })
}

/** The file survives a kill, and its process id may be another's by now: the server's current folder is its data. */
async function serverOn(dir: string): Promise<number | undefined> {
  const { pid } = (await readPostmasterFile(dir)) ?? {}
  if (!pid || !isAlive(pid)) return undefined
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(dataFolder(dir))) ? pid : undefined
  } catch (error) {
    // It has ended meanwhile, or is a process of somebody else, so not ours.
    if (['ENOENT', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

async function end(pid: number): Promise<void> {
  // SIGTERM would let it wait until its last client has gone.
  await endProcess(pid, 'SIGINT')
}
