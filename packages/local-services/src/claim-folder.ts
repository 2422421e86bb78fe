import { randomUUID } from 'node:crypto'
import { link, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isAlive } from './is-alive.ts'
import { redisKind } from './redis-kind.ts'
import type { ServerKind } from './server-kind.ts'

/** Who runs a server on a data folder. Two on one folder would spoil each other's files. */
export interface Claim {
  /** The process that started the server. */
  ownerPid: number
  /** Where the server listens, on 127.0.0.1. */
  port: number
}

const claimFile = (kind: ServerKind, dir: string): string => join(dir, kind.claimFile)

/**
 * Makes `dir` ours. A server whose owner has died without stopping it is stopped first, so that a second start takes
 * over the data of a killed one.
 *
 * @throws Error if a living process runs a server there.
 */
export async function claimFolder(kind: ServerKind, dir: string, port: number): Promise<void> {
  const file = claimFile(kind, dir)
  const claim: Claim = { ownerPid: process.pid, port }
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, JSON.stringify(claim))
  try {
    // A link appears at once and with its content, and only one process can make it.
    while (!(await linked(draft, file))) await endPrevious(kind, dir)
  } finally {
    await rm(draft, { force: true })
  }
}

export async function releaseFolder(kind: ServerKind, dir: string): Promise<void> {
  await rm(claimFile(kind, dir), { force: true })
}

/**
 * Who runs a Redis on `dir` now, or undefined for nobody. What was left behind by one that was killed counts for nothing.
 *
 * @throws Error if the folder holds a claim that cannot be read, or its server does not say what it serves.
 */
export async function claimOn(dir: string): Promise<Claim | undefined> {
  const claim = await readClaim(redisKind, dir)
  if (claim === undefined || !isAlive(claim.ownerPid)) return undefined
  return (await redisKind.serverOn(dir, claim.port)) === undefined ? undefined : claim
}

async function linked(draft: string, file: string): Promise<boolean> {
  try {
    await link(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

async function endPrevious(kind: ServerKind, dir: string): Promise<void> {
  const claim = await readClaim(kind, dir)
  if (claim === undefined) return
  let serverPid = await kind.serverOn(dir, claim.port)
  const giveUpAt = Date.now() + kind.startMs
  while (serverPid === undefined && isAlive(claim.ownerPid) && Date.now() < giveUpAt) {
    await sleep(20)
    if ((await readClaim(kind, dir)) === undefined) return
    serverPid = await kind.serverOn(dir, claim.port)
  }
  if (serverPid !== undefined && isAlive(claim.ownerPid)) {
    throw new Error(
      `the data in ${dir} is in use by process ${claim.ownerPid} (${kind.name} on port ${claim.port}). Stop that process first`,
    )
  }
  if (serverPid !== undefined) await kind.end(serverPid)
  await releaseFolder(kind, dir)
}

async function readClaim(kind: ServerKind, dir: string): Promise<Claim | undefined> {
  const file = claimFile(kind, dir)
  try {
    const { ownerPid, port } = JSON.parse(await readFile(file, 'utf8')) as Partial<Claim>
    if (Number.isSafeInteger(ownerPid) && Number.isSafeInteger(port)) return { ownerPid, port } as Claim
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new Error(`expected ${file} to hold {ownerPid, port}. If no ${kind.name} runs on ${dir}, remove that file`)
}
