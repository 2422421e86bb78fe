import { Client } from 'pg'
import { expect, it } from 'vitest'
import { endAll } from './at-end-of-file.ts'
import { testDatabaseUrl } from './test-database-url.ts'

/** What became of a connection after it was made. */
const errorsOf = new Map<Client, Error[]>()

async function connected(url: string): Promise<Client> {
  const client = new Client(url)
  errorsOf.set(client, [])
  client.on('error', (error) => errorsOf.get(client)?.push(error))
  await client.connect()
  return client
}

it('gives each caller an empty database of its own on one server, until its file ends', async () => {
  const urls = (await Promise.all(Array.from({ length: 3 }, () => testDatabaseUrl()))).map((url) => new URL(url))
  expect(new Set(urls.map(({ pathname }) => pathname)).size).toBe(3)
  expect(new Set(urls.map(({ host }) => host)).size).toBe(1)
  const [first, second] = await Promise.all(urls.map(({ href }) => connected(href)))
  const tables = `SELECT count(*)::int FROM pg_tables WHERE schemaname = 'public'`
  await first?.query('CREATE TABLE mine ()')
  expect((await second?.query(tables))?.rows).toEqual([{ count: 0 }])
  expect((await first?.query(tables))?.rows).toEqual([{ count: 1 }])
  await second?.end()

  // Who is still connected does not keep it.
  const cutOff = new Promise((resolve) => first?.once('end', resolve))
  await endAll()
  await cutOff
  expect(errorsOf.get(first as Client)?.[0]).toMatchObject({ code: '57P01' })
  await expect(connected(urls[0]?.href ?? '')).rejects.toMatchObject({ code: '3D000' })
})
