import { connect } from 'node:net'

/** A reply in RESP2. Integers come as numbers; a nil is null. */
export type RedisReply = string | number | null | RedisReply[]

/** What Redis answered with `-`: its message, for example `LOADING Redis is loading the dataset in memory`. */
export class RedisReplyError extends Error {
  override readonly name = 'RedisReplyError'
}

export interface RedisAddress {
  /** Default 127.0.0.1. */
  host?: string
  port: number
  /** How long the answer may take, in milliseconds. Default 5000. */
  timeoutMs?: number
}

/**
 * Asks a Redis one command over a connection of its own. For what has to be known before there is a client: does it
 * answer, whose is it. No pipelining, no login, no TLS.
 *
 * @throws RedisReplyError if Redis answers with an error; the socket's own error if it does not answer at all.
 */
export function askRedis(address: RedisAddress, command: readonly (string | number)[]): Promise<RedisReply> {
  const { host = '127.0.0.1', port, timeoutMs = 5000 } = address
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port })
    let received = Buffer.alloc(0)
    const settle = (act: () => void) => {
      socket.destroy()
      act()
    }
    socket.setTimeout(timeoutMs, () =>
      settle(() => reject(new Error(`expected ${host}:${port} to answer ${command[0]} within ${timeoutMs} ms`))),
    )
    socket.on('error', (error) => settle(() => reject(error)))
    socket.on('close', () =>
      reject(new Error(`${host}:${port} closed the connection before it answered ${command[0]}`)),
    )
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      try {
        const reply = readReply(received, 0)
        if (reply !== undefined) settle(() => resolve(reply.value))
      } catch (error) {
        settle(() => reject(error))
      }
    })
    socket.write(writeCommand(command))
  })
}

function writeCommand(command: readonly (string | number)[]): string {
  const parts = command.map((part) => `$${Buffer.byteLength(String(part))}\r\n${part}\r\n`)
  return `*${command.length}\r\n${parts.join('')}`
}

/** One reply from `at` on, and where it ends; undefined as long as bytes are missing. */
function readReply(bytes: Buffer, at: number): { value: RedisReply; end: number } | undefined {
  const lineEnd = bytes.indexOf('\r\n', at)
  if (lineEnd === -1) return undefined
  const line = bytes.toString('utf8', at + 1, lineEnd)
  const end = lineEnd + 2
  switch (bytes.toString('latin1', at, at + 1)) {
    case '+':
      return { value: line, end }
    case '-':
      throw new RedisReplyError(line)
    case ':':
      return { value: Number(line), end }
    case '$':
      return readBulk(bytes, end, Number(line))
    case '*':
      return readArray(bytes, end, Number(line))
    default:
      throw new Error(
        `expected a Redis to answer in RESP, got ${JSON.stringify(bytes.toString('latin1', at, lineEnd))}`,
      )
  }
}

function readBulk(bytes: Buffer, at: number, length: number): { value: RedisReply; end: number } | undefined {
  if (length === -1) return { value: null, end: at }
  const end = at + length + 2
  return bytes.length < end ? undefined : { value: bytes.toString('utf8', at, at + length), end }
}

function readArray(bytes: Buffer, at: number, length: number): { value: RedisReply; end: number } | undefined {
  if (length === -1) return { value: null, end: at }
  const items: RedisReply[] = []
  let end = at
  for (let i = 0; i < length; i++) {
    const item = readReply(bytes, end)
    if (item === undefined) return undefined
    items.push(item.value)
    end = item.end
  }
  return { value: items, end }
}
