import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { askRedis } from './ask-redis.ts'
import { freePort } from './free-port.ts'
import { type RedisServer, startRedis } from './start-redis.ts'

let dir: string
const servers: RedisServer[] = []
const owners: ChildProcess[] = []

beforeEach(async () => {
  dir = await realpath(await mkdtemp(join(tmpdir(), 'foliot-redis-')))
})
afterEach(async () => {
  for (const server of servers.splice(0)) await server.kill()
  for (const owner of owners.splice(0)) owner.kill('SIGKILL')
  await rm(dir, { recursive: true, force: true })
})

async function start(options: Partial<Parameters<typeof startRedis>[0]> = {}): Promise<RedisServer> {
  const server = await startRedis({ dir, ...options })
  servers.push(server)
  return server
}

/** Another process that starts a Redis on `dir`, tells its port and then waits. */
async function startElsewhere(lingerMs: number): Promise<{ owner: ChildProcess; port: number }> {
  const module = new URL('./start-redis.ts', import.meta.url).href
  const code = `const { startRedis } = await import('${module}')
    const { port } = await startRedis({ dir: ${JSON.stringify(dir)}, lingerMs: ${lingerMs} })
    console.log(port)
    setInterval(() => {}, 60_000)`
  const owner = spawn(process.execPath, ['--conditions=source', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  owners.push(owner)
  const [line] = (await once(createInterface(owner.stdout), 'line')) as [string]
  return { owner, port: Number(line) }
}

/** Settles when the server on this port has ended. */
async function endOf(port: number): Promise<() => Promise<unknown>> {
  const socket = connect({ port, host: '127.0.0.1' })
  await once(socket, 'connect')
  socket.resume()
  // One that ends before it has accepted the connection resets it: an end as well.
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  return () => closed
}

async function config(server: RedisServer, name: string): Promise<unknown> {
  const reply = await askRedis(server, ['CONFIG', 'GET', name])
  return Array.isArray(reply) ? reply[1] : reply
}

describe('startRedis', () => {
  it('runs on 127.0.0.1 with the configuration of the project', async () => {
    const server = await start()
    expect(server).toMatchObject({ url: `redis://127.0.0.1:${server.port}`, dir, pid: expect.any(Number) })
    const expected = {
      bind: '127.0.0.1',
      dir,
      appendonly: 'yes',
      appendfsync: 'everysec',
      save: '',
      'maxmemory-policy': 'noeviction',
      hz: '100',
      'hash-max-listpack-value': '512',
    }
    for (const [name, value] of Object.entries(expected))
      expect([name, await config(server, name)]).toEqual([name, value])
  })

  it('lets arguments win over the file', async () => {
    const server = await start({ args: ['--databases', '3', '--appendonly', 'no'] })
    expect([await config(server, 'databases'), await config(server, 'appendonly')]).toEqual(['3', 'no'])
  })

  it('stops and starts again with its data, on another port or the same', async () => {
    const first = await start()
    await askRedis(first, ['SET', 'kept', 'yes'])
    await Promise.all([first.stop(), first.stop()])
    expect(await first.exited).toEqual({ code: 0, signal: null })
    const second = await start({ port: first.port })
    expect(await askRedis(second, ['GET', 'kept'])).toBe('yes')
  })

  it('keeps what it acknowledged when it is killed', async () => {
    const first = await start()
    await askRedis(first, ['SET', 'kept', 'yes'])
    await Promise.all([first.kill(), first.kill()])
    expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' })
    expect(await askRedis(await start(), ['GET', 'kept'])).toBe('yes')
  })

  it('says why it did not come up, with the end of its log', async () => {
    const configFile = join(dir, 'broken.conf')
    await writeFile(configFile, 'no-such-directive 1\n')
    await expect(start({ configFile })).rejects.toThrow(/ended with code 1 before it answered.*no-such-directive/s)
    await expect(start({ server: join(dir, 'missing') })).rejects.toThrow(/could not be started: .*ENOENT/)
    await start()
  })

  it('refuses a port on which another Redis already answers', async () => {
    const { port } = await start()
    await expect(start({ dir: join(dir, 'other'), port })).rejects.toThrow('Address already in use')
  })

  it('is up when it asks for a password', async () => {
    const server = await start({ args: ['--requirepass', 'secret'] })
    await expect(askRedis(server, ['PING'])).rejects.toThrow('NOAUTH')
  })
})

describe('a data folder', () => {
  it('is refused while a living process runs a Redis on it, which goes on', async () => {
    const { owner, port } = await startElsewhere(0)
    await expect(start()).rejects.toThrow(`in use by process ${owner.pid} (Redis on port ${port})`)
    expect(await askRedis({ port }, ['PING'])).toBe('PONG')
  })

  it('is taken over, with the data, from a process that was killed', async () => {
    const { owner, port } = await startElsewhere(20_000)
    await askRedis({ port }, ['SET', 'kept', 'yes'])
    const ended = await endOf(port)
    owner.kill('SIGKILL')
    await once(owner, 'exit')
    const server = await start()
    await ended()
    expect(await askRedis(server, ['GET', 'kept'])).toBe('yes')
  })

  it('is taken over from a claim that was left behind', async () => {
    await writeFile(
      join(dir, 'redis.json'),
      JSON.stringify({ ownerPid: spawnSync('true').pid, port: await freePort() }),
    )
    await start()
  })

  it('is not taken over on a claim that cannot be read', async () => {
    await writeFile(join(dir, 'redis.json'), '{}')
    await expect(start()).rejects.toThrow(`expected ${join(dir, 'redis.json')} to hold {ownerPid, port}`)
  })

  it('is nobody’s after a stop', async () => {
    const server = await start()
    expect(existsSync(join(dir, 'redis.json'))).toBe(true)
    await server.stop()
    expect(existsSync(join(dir, 'redis.json'))).toBe(false)
  })
})

it('ends with the process that started it, even if that is killed', async () => {
  const { owner, port } = await startElsewhere(0)
  const ended = await endOf(port)
  owner.kill('SIGKILL')
  await ended()
})
