import { once } from 'node:events'
import { createServer } from 'node:net'

/** Where the api listens if nobody says otherwise. */
export const DEFAULT_API_PORT = 3000

/** How far the default may move: then something else than a few other servers is wrong. */
const PORTS_TO_TRY = 100

/**
 * The port for the api. One that was asked for is taken as it is; only the default may move to the next free one.
 *
 * @throws Error if the port that was asked for is taken, or the address cannot be listened on at all.
 */
export async function chooseApiPort(host: string, asked: number | undefined): Promise<number> {
  if (asked !== undefined) {
    if (await isFree(host, asked)) return asked
    throw new Error(
      `Port ${asked} of ${host}, asked for by FOLIOT_API_PORT, is taken by another program.\n` +
        `Stop that program, or set FOLIOT_API_PORT to another port.`,
    )
  }
  for (let port = DEFAULT_API_PORT; port < DEFAULT_API_PORT + PORTS_TO_TRY; port++) {
    if (await isFree(host, port)) return port
  }
  const last = DEFAULT_API_PORT + PORTS_TO_TRY - 1
  throw new Error(`No port of ${host} from ${DEFAULT_API_PORT} to ${last} is free. Set FOLIOT_API_PORT to one that is.`)
}

async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, host)
    await once(server, 'listening')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'EADDRINUSE') return false
    throw new Error(`The api cannot listen on port ${port} of ${host} (FOLIOT_API_HOST, FOLIOT_API_PORT): ${message}`, {
      cause: error,
    })
  }
  server.close()
  await once(server, 'close')
  return true
}
