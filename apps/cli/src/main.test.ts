import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectForLoops } from '@foliot/queue'
import { atEndOfFile, startApi, startProcess, testDatabaseUrl, testRedisUrl } from '@foliot/testkit'
import { describe, expect, it } from 'vitest'
import { runHere } from './fixtures/run-here.ts'

const FOLIOT_DATABASE_URL = await testDatabaseUrl()
const FOLIOT_REDIS_URL = await testRedisUrl()
const redis = connectForLoops(FOLIOT_REDIS_URL)
atEndOfFile(async () => redis.disconnect())

async function foliot(args: string[], env: Record<string, string> = { FOLIOT_DATABASE_URL, FOLIOT_REDIS_URL }) {
  const run = await startProcess({ entry: 'apps/cli/src/main.ts', args, env })
  const { code } = await run.exited
  return { code, out: run.lines.map(({ text }) => text).join('\n'), notes: run.errorText }
}

const create = async (...more: string[]) => {
  const run = await foliot(['keys', 'create', '--name', 'a key', '--scopes', 'admin', '--json', ...more])
  expect([run.code, run.notes]).toEqual([0, ''])
  return JSON.parse(run.out) as { id: string; key: string; tenant: string | null; scopes: string[]; expiresAt: string }
}

describe('foliot keys create', () => {
  it('makes the tables and a key, and shows its secret once', async () => {
    const first = await foliot(['keys', 'create', '--name', 'ci', '--scopes', 'enqueue,read', '--tenant', 'shop'])
    expect([first.code, first.out]).toEqual([
      0,
      expect.stringMatching(
        /^id {7}\S{36}\nname {5}ci\ntenant {3}shop\nscopes {3}enqueue, read\nexpires {2}never\nkey {6}foliot_[\w-]{43}$/,
      ),
    ])
    expect(first.notes).toContain('shown this once')
    const secret = /foliot_\S+/.exec(first.out)?.[0] as string
    expect((await foliot(['keys', 'list', '--json'])).out).not.toContain(secret)
    expect(await redis.get('foliot-x:{access}:snapshot')).toContain('"shop"')
  })

  it('takes a tenant, all tenants, an end', async () => {
    expect(await create()).toMatchObject({ tenant: 'default', scopes: ['admin'], expiresAt: null })
    const made = await create('--all-tenants', '--expires-at', '2999-01-31T12:00:00+01:00')
    expect(made).toMatchObject({ tenant: null, expiresAt: '2999-01-31T11:00:00.000Z' })
  })

  it('with --first makes one only if there is none', async () => {
    const run = await foliot(['keys', 'create', '--first', '--name', 'a', '--scopes', 'admin', '--json'])
    expect(run).toEqual({ code: 0, out: '', notes: 'There are keys: none was made.\n' })
    const env = { FOLIOT_DATABASE_URL: await testDatabaseUrl() }
    const first = await foliot(['keys', 'create', '--first', '--name', 'a', '--scopes', 'admin', '--json'], env)
    expect([first.code, JSON.parse(first.out).key]).toEqual([0, expect.stringMatching(/^foliot_/)])
  })

  it.each([
    [[], /^Expected --name with one line/],
    [['--name', ' '], /^Expected --name .* got " "/],
    [['--name', 'a'], /^Expected --scopes .* got none/],
    [['--name', 'a', '--scopes', 'root'], /^Expected --scopes with one or more of enqueue, read.* got "root"/],
    [['--name', 'a', '--scopes', 'read', '--tenant', 'ACME'], /^Expected --tenant .* got "ACME"/],
    [['--name', 'a', '--scopes', 'read', '--tenant', 'a', '--all-tenants'], /^Expected --tenant or --all-tenants/],
    [['--name', 'a', '--scopes', 'read', '--expires-at', '2020-01-01T00:00:00Z'], /^Expected --expires-at/],
    [['--name', 'a', '--scopes', 'read', '--expires-at', 'tomorrow'], /^Expected --expires-at .*"tomorrow"/],
    [['--name', 'a', '--scope', 'read'], /'--scope'/],
    [['--name', 'a', '--scopes', 'read', 'more'], /'more'/],
  ])('is refused with %j', async (args, message) => {
    const run = await runHere(['keys', 'create', ...args])
    expect([run.code, run.out, run.notes]).toEqual([2, '', expect.stringMatching(message)])
    expect(run.notes).toContain('foliot keys create --help')
  })
})

describe('foliot keys', () => {
  it('list shows what there is, as a table or as JSON lines', async () => {
    const { id } = await create('--tenant', 'listed')
    const table = (await foliot(['keys', 'list', '--tenant', 'listed'])).out.split('\n')
    expect(table).toEqual([
      expect.stringMatching(/^ID +NAME +TENANT +SCOPES +STATE/),
      expect.stringMatching(`^${id}  a key  listed  admin   counts`),
    ])
    const lines = (await foliot(['keys', 'list', '--json'])).out.split('\n').map((line) => JSON.parse(line))
    expect(lines.length).toBeGreaterThan(1)
    expect(await foliot(['keys', 'list', '--tenant', 'nobody'])).toMatchObject({ code: 0, notes: 'There are none.\n' })
  })

  it('revoke ends a key in an api that runs', async () => {
    const { id, key } = await create('--all-tenants')
    await using api = await startApi({ FOLIOT_REDIS_URL, FOLIOT_DATABASE_URL })
    const stream = await fetch(`${api.url}/v1/events`, { headers: { authorization: `Bearer ${key}` } })
    expect(stream.status).toBe(200)
    const text = stream.text()
    const run = await foliot(['keys', 'revoke', id])
    expect([run.code, run.out]).toEqual([0, `revoked ${id} (a key)`])
    expect(await text).toContain('event: error')
    expect((await foliot(['keys', 'revoke', id])).code).toBe(0)
    expect((await foliot(['keys', 'list'])).out).toMatch(new RegExp(`${id} .* revoked`))
  })

  it.each([[[]], [['x']], [['0198c0de-0000-7000-8000-000000000000', 'y']]])(
    'revoke is refused with %j',
    async (args) => {
      const run = await runHere(['keys', 'revoke', ...args])
      expect([run.code, run.notes]).toEqual([2, expect.stringMatching(/^Expected the id of one key/)])
    },
  )

  it('revoke says that there is no such key', async () => {
    const run = await foliot(['keys', 'revoke', '0198c0de-0000-7000-8000-000000000000'])
    expect([run.code, run.notes]).toEqual([1, expect.stringContaining('there is no API key')])
  })
})

describe('foliot', () => {
  it.each([['--help'], ['keys', '--help'], ['keys', 'create', '--help'], ['keys', 'list', '-h'], ['help']])(
    'explains itself: %s %s %s',
    async (...args) => {
      const run = await runHere(args)
      expect([run.code, run.out, run.notes]).toEqual([0, expect.stringContaining('foliot keys'), ''])
    },
  )

  it.each([[[]], [['key']], [['keys']], [['keys', 'make']], [['constructor', 'x']], [['keys', 'toString']]])(
    'says what it expected when it gets %j',
    async (args) => {
      const run = await runHere(args)
      expect([run.code, run.notes]).toEqual([2, expect.stringMatching(/^Expected .*(one of).*got /)])
    },
  )

  it('wants to know its PostgreSQL', async () => {
    const run = await foliot(['keys', 'list'], {})
    expect([run.code, run.notes]).toEqual([78, expect.stringContaining('FOLIOT_DATABASE_URL')])
  })

  it('says what is the matter with PostgreSQL, without its password', async () => {
    const run = await foliot(['keys', 'list'], { FOLIOT_DATABASE_URL: 'postgres://me:s3cret@127.0.0.1:1/none' })
    expect([run.code, run.notes]).toEqual([1, expect.stringMatching(/^PostgreSQL cannot be reached/)])
    expect(run.notes).not.toContain('s3cret')
  })

  it('does its work without Redis, and says so', async () => {
    const env = { FOLIOT_DATABASE_URL, FOLIOT_REDIS_URL: 'redis://127.0.0.1:1' }
    const run = await foliot(['keys', 'create', '--name', 'a', '--scopes', 'read', '--json'], env)
    expect([run.code, run.notes]).toEqual([0, expect.stringContaining('Redis could not be told')])
  })

  it('is run in the checkout by npm run foliot', async () => {
    const scripts = JSON.parse(await readFile(join(import.meta.dirname, '../../../package.json'), 'utf8')).scripts
    expect(scripts.foliot).toBe('exec node scripts/run.mjs foliot')
    const run = await startProcess({
      entry: 'scripts/foliot.ts',
      args: ['keys', 'list', '--json'],
      env: { FOLIOT_DATABASE_URL },
    })
    expect((await run.exited).code).toBe(0)
  })
})
