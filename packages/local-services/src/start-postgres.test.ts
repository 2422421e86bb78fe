import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { freePort } from './free-port.ts'
import { postgresUrlOn } from './postgres-url-on.ts'
import { runAs } from './run-as.ts'
import { type PostgresServer, startPostgres } from './start-postgres.ts'

// Data is made once for all tests: that takes the longest. Each test leaves it with no server on it.
let dir: string
const servers: PostgresServer[] = []
const owners: ChildProcess[] = []

beforeAll(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'foliot-postgres-')))
  // Nobody but us gets through here, as in the home of root.
  await chmod(dir, 0o700)
  const first = await start()
  await first.stop()
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop()
  for (const owner of owners.splice(0)) owner.kill('SIGKILL')
})
afterAll(() => rm(dir, { recursive: true, force: true }))

async function start(options: Partial<Parameters<typeof startPostgres>[0]> = {}): Promise<PostgresServer> {
  const server = await startPostgres({ dir, ...options, args: ['-c', 'fsync=off', ...(options.args ?? [])] })
  servers.push(server)
  return server
}

/** Another process that starts a PostgreSQL on `dir`, tells its process id and its port, and then waits. */
async function startElsewhere(lingerMs: number): Promise<{ owner: ChildProcess; pid: number; port: number }> {
  const module = new URL('./start-postgres.ts', import.meta.url).href
  const code = `const { startPostgres } = await import('${module}')
    const options = { dir: ${JSON.stringify(dir)}, lingerMs: ${lingerMs}, args: ['-c', 'fsync=off'] }
    const { pid, port } = await startPostgres(options)
    console.log(JSON.stringify({ pid, port }))
    setInterval(() => {}, 60_000)`
  const owner = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  owners.push(owner)
  const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
  return { owner, ...(JSON.parse(line) as { pid: number; port: number }) }
}

/** The first bytes that a client is answered, which for a server of PostgreSQL is one letter. */
async function answerOf(port: number): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  // Whether it speaks TLS. It does not: N.
  socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
  const [answer] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return answer.toString('latin1')
}

/** Settles when the server that answers here has ended: it hands an open connection to nobody else. */
async function endOf(port: number): Promise<() => Promise<unknown>> {
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  socket.resume()
  // One that ends before it has accepted the connection resets it: an end as well.
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  return () => closed
}

describe('startPostgres', () => {
  it('runs on 127.0.0.1, with a password that only its owner can read', async () => {
    const server = await start()
    const password = await readFile(join(dir, 'password'), 'utf8')
    expect(password).toMatch(/^[\w-]{32}$/)
    const url = `postgres://foliot:${password}@127.0.0.1:${server.port}/foliot`
    expect(server).toMatchObject({ url, dir, pid: expect.any(Number) })
    expect(await postgresUrlOn(dir)).toBe(url)
    expect((await stat(join(dir, 'password'))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(dir, 'data/pg_hba.conf'), 'utf8')).toBe('host all all 127.0.0.1/32 scram-sha-256\n')
    expect(await answerOf(server.port)).toBe('N')
    expect(await readFile(server.logFile, 'utf8')).toMatch(
      /starting PostgreSQL 18\..*listening on IPv4 .*127\.0\.0\.1/s,
    )
  })

  it('is not root, which PostgreSQL would refuse', async () => {
    const { pid } = await start()
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    expect(status).toMatch(
      process.getuid?.() === 0 ? /^Uid:\t[1-9]/m : new RegExp(`^Uid:\t${process.getuid?.()}\t`, 'm'),
    )
    expect((await stat(join(dir, 'data'))).uid).not.toBe(0)
  })

  it('stops and starts again, with the same password on the same port', async () => {
    const first = await start()
    await Promise.all([first.stop(), first.stop()])
    expect(await first.exited).toEqual({ code: 0, signal: null })
    expect(await postgresUrlOn(dir)).toBeUndefined()
    expect((await start({ port: first.port })).url).toBe(first.url)
  })

  it('ends at once with a client that stays', async () => {
    const server = await start()
    const ended = await endOf(server.port)
    await server.stop()
    await ended()
  })

  it('starts again after a kill, of it and all its processes', async () => {
    const first = await start()
    await Promise.all([first.kill(), first.kill()])
    expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' })
    const again = await start({ port: first.port })
    expect(await readFile(again.logFile, 'utf8')).toContain('automatic recovery')
  })

  it('starts again at once when somebody else has killed it', async () => {
    const first = await start()
    process.kill(first.pid, 'SIGKILL')
    await first.exited
    await start()
  })

  it('says why it did not come up, with the end of its log', async () => {
    await expect(start({ args: ['-c', 'no_such_setting=1'] })).rejects.toThrow(
      /ended with code 1 before it answered.*unrecognized configuration parameter "no_such_setting"/s,
    )
    await start()
  })

  it('refuses a port on which another already answers', async () => {
    const { port } = await start()
    const other = await mkdtemp(join(tmpdir(), 'foliot-postgres-'))
    await expect(start({ dir: other, port })).rejects.toThrow('Address already in use')
    await rm(other, { recursive: true })
  })

  it('refuses data whose password is gone, and makes data anew that was cut short', async () => {
    const password = join(dir, 'password')
    await rename(password, `${password}.away`)
    await expect(start()).rejects.toThrow(`expected the password of the PostgreSQL in ${dir} in ${password}, got no`)
    await rename(`${password}.away`, password)
    const other = await realpath(await mkdtemp(join(tmpdir(), 'foliot-postgres-')))
    await runAs('mkdir', ['-p', 'data.new/base'], { user: undefined, cwd: other })
    await (await start({ dir: other })).stop()
    expect(existsSync(join(other, 'data.new'))).toBe(false)
    await rm(other, { recursive: true })
  })
})

describe('a data folder', () => {
  it('is refused while a living process runs a PostgreSQL on it, which goes on', async () => {
    const { owner, port } = await startElsewhere(0)
    await expect(start()).rejects.toThrow(`in use by process ${owner.pid} (PostgreSQL on port ${port})`)
    expect(await answerOf(port)).toBe('N')
    const ended = await endOf(port)
    owner.kill('SIGKILL')
    await ended()
  })

  it('is taken over from a process that was killed, whose server still runs', async () => {
    const { owner, pid } = await startElsewhere(20_000)
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    const server = await start()
    expect(server.pid).not.toBe(pid)
    expect(await readFile(server.logFile, 'utf8')).not.toContain('recovery')
  })

  it('is taken over from a claim that was left behind', async () => {
    const claim = { ownerPid: spawnSync('true').pid, port: await freePort() }
    await writeFile(join(dir, 'postgres.json'), JSON.stringify(claim))
    await start()
  })

  it('is taken over from a killed server whose process id is another’s by now', async () => {
    const lock = join(dir, 'data/postmaster.pid')
    const first = await start()
    await first.kill()
    const left = await readFile(lock, 'utf8')
    await writeFile(lock, left.replace(/^\d+/, String(process.pid)))
    await start()
  })

  it('is nobody’s after a stop, and after a start that failed', async () => {
    const server = await start()
    expect(existsSync(join(dir, 'postgres.json'))).toBe(true)
    await server.stop()
    expect(existsSync(join(dir, 'postgres.json'))).toBe(false)
    await expect(start({ args: ['-c', 'no_such_setting=1'] })).rejects.toThrow()
    expect(existsSync(join(dir, 'postgres.json'))).toBe(false)
  })
})

it('ends with the process that started it, even if that is killed', async () => {
  const { owner, port } = await startElsewhere(0)
  const ended = await endOf(port)
  owner.kill('SIGKILL')
  await ended()
})
