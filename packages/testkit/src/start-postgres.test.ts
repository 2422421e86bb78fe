import { expect, it } from 'vitest'
import { askPostgres } from './ask-postgres.ts'
import { startPostgres } from './start-postgres.ts'

it('starts a server in a temporary folder, and again with its data after a kill', async () => {
  const first = await startPostgres()
  await askPostgres(first.url, `CREATE TABLE kept AS SELECT 'yes' AS answer`)
  await first.kill()
  await expect(askPostgres(first.url, 'SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  const again = await startPostgres({ dir: first.dir, port: first.port, args: ['-c', 'max_connections=7'] })
  expect(again.url).toBe(first.url)
  expect(await askPostgres(again.url, 'SELECT answer FROM kept')).toEqual([{ answer: 'yes' }])
  expect(
    await askPostgres(
      again.url,
      `SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'max_connections') ORDER BY name`,
    ),
  ).toEqual([
    { name: 'fsync', setting: 'off' },
    { name: 'max_connections', setting: '7' },
  ])
})

it('starts each with data of its own', async () => {
  const [one, other] = [await startPostgres(), await startPostgres()]
  await askPostgres(one.url, 'CREATE TABLE mine ()')
  const tables = `SELECT relname FROM pg_class WHERE relname = 'mine'`
  expect([await askPostgres(one.url, tables), await askPostgres(other.url, tables)]).toEqual([
    [{ relname: 'mine' }],
    [],
  ])
  expect(one.dir).not.toBe(other.dir)
})
