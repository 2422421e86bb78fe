import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { link, readFile, realpath, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { askRedis, RedisReplyError } from './ask-redis.ts'
import { isAlive } from './is-alive.ts'
import { redisPid } from './redis-pid.ts'

/** Who runs a Redis on a data folder. Two servers on one folder would spoil each other's files. */
export interface Claim {
  /** The process that started the server. */
  ownerPid: number
  /** Where the server listens, on 127.0.0.1. */
  port: number
}

/** How long a living owner may need from its claim until its server answers. */
const START_MS = 2000

const claimFile = (dir: string): string => join(dir, 'redis.json')

/**
 * Makes `dir` ours. A server whose owner has died without stopping it is stopped first, so that a second start takes
 * over the data of a killed one.
 *
 * @throws Error if a living process runs a server there.
 */
export async function claimFolder(dir: string, port: number): Promise<void> {
  const file = claimFile(dir)
  const claim: Claim = { ownerPid: process.pid, port }
  const draft = `${file}.${randomUUID()}`
  await writeFile(draft, JSON.stringify(claim))
  try {
    // A link appears at once and with its content, and only one process can make it.
    while (!(await linked(draft, file))) await endPrevious(dir)
  } finally {
    await rm(draft, { force: true })
  }
}

export async function releaseFolder(dir: string): Promise<void> {
  await rm(claimFile(dir), { force: true })
}

/**
 * Who runs a Redis on `dir` now, or undefined for nobody. What was left behind by one that was killed counts for nothing.
 *
 * @throws Error if the folder holds a claim that cannot be read, or its server does not say what it serves.
 */
export async function claimOn(dir: string): Promise<Claim | undefined> {
  const claim = await readClaim(dir)
  if (claim === undefined || !isAlive(claim.ownerPid)) return undefined
  return (await serverOn(claim.port, dir)) === undefined ? undefined : claim
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

async function endPrevious(dir: string): Promise<void> {
  const claim = await readClaim(dir)
  if (claim === undefined) return
  let serverPid = await serverOn(claim.port, dir)
  const giveUpAt = Date.now() + START_MS
  while (serverPid === undefined && isAlive(claim.ownerPid) && Date.now() < giveUpAt) {
    await sleep(20)
    if ((await readClaim(dir)) === undefined) return
    serverPid = await serverOn(claim.port, dir)
  }
  if (serverPid !== undefined && isAlive(claim.ownerPid)) {
    throw new Error(
      `the data in ${dir} is in use by process ${claim.ownerPid} (Redis on port ${claim.port}). Stop that process first`,
    )
  }
  if (serverPid !== undefined) await endServer(serverPid, claim.port)
  await releaseFolder(dir)
}

async function readClaim(dir: string): Promise<Claim | undefined> {
  const file = claimFile(dir)
  try {
    const { ownerPid, port } = JSON.parse(await readFile(file, 'utf8')) as Partial<Claim>
    if (Number.isSafeInteger(ownerPid) && Number.isSafeInteger(port)) return { ownerPid, port } as Claim
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    if (!(error instanceof SyntaxError)) throw error
  }
  throw new Error(`expected ${file} to hold {ownerPid, port}. If no Redis runs on ${dir}, remove that file`)
}

/** The process id of the Redis that listens on `port`, if its data is in `dir`. A port that was reused is not ours. */
async function serverOn(port: number, dir: string): Promise<number | undefined> {
  try {
    const reply = await askRedis({ port }, ['CONFIG', 'GET', 'dir'])
    const served = Array.isArray(reply) ? reply[1] : undefined
    if (typeof served !== 'string' || (await realpath(served)) !== (await realpath(dir))) return undefined
    return await redisPid(port)
  } catch (error) {
    if (!(error instanceof RedisReplyError)) return undefined
    throw new Error(
      `expected the Redis on port ${port} to tell its data folder, got "${error.message}". ` +
        `If it is not in ${dir}, remove ${claimFile(dir)}; else stop it`,
      { cause: error },
    )
  }
}

/** The server is no child of ours, so its exit is known by the end of a connection to it. */
async function endServer(pid: number, port: number): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  const closed = once(socket, 'close')
  socket.resume()
  process.kill(pid, 'SIGTERM')
  await closed
}
