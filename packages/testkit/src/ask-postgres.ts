import { Client } from 'pg'

/**
 * The rows of one statement, over a connection of its own.
 *
 * @throws the error of the server, with its `code`; the socket's if nobody answers.
 */
export async function askPostgres(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new Client(url)
  // Cut off while it has nothing to do, it tells so besides; its next use fails of itself.
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}
