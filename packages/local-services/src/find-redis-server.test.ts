import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findRedisServer } from './find-redis-server.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'foliot-find-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function program(name: string, answer: string, mode = 0o755): Promise<string> {
  const file = join(dir, name)
  await writeFile(file, `#!/bin/sh\necho '${answer}'\n`, { mode })
  return file
}

const find = () => findRedisServer({ path: ['/nowhere', dir].join(delimiter), install: false })

describe('findRedisServer', () => {
  it('takes redis-server before valkey-server', async () => {
    await program('valkey-server', 'Valkey server v=8.1.0 sha=0')
    expect(await find()).toBe(join(dir, 'valkey-server'))
    await program('redis-server', 'Redis server v=7.0.15 sha=0')
    expect(await find()).toBe(join(dir, 'redis-server'))
  })

  it('passes over a version that the configuration is too new for', async () => {
    await program('redis-server', 'Redis server v=6.2.1 sha=0')
    await expect(find()).rejects.toThrow(`found only ${join(dir, 'redis-server')} is version 6.2.1`)
    const valkey = await program('valkey-server', 'Valkey server v=10.0.0 sha=0')
    expect(await find()).toBe(valkey)
  })

  it('passes over a file that cannot be run', async () => {
    await program('redis-server', 'Redis server v=7.0.15 sha=0', 0o644)
    await expect(find()).rejects.toThrow('found none on PATH')
  })

  it('says how each system installs one, and the other way out', async () => {
    const systems = ['apt-get install redis-server', 'dnf install', 'apk add', 'brew install redis', 'WSL']
    for (const words of [...systems, 'FOLIOT_REDIS_URL']) await expect(find()).rejects.toThrow(words)
  })

  it('refuses a program that does not tell its version', async () => {
    await program('redis-server', 'hello')
    await expect(find()).rejects.toThrow('redis-server --version` to tell a version, got hello')
  })
})
