import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { askRedis } from './ask-redis.ts'
import { freePort } from './free-port.ts'

/** A server that answers everything with these pieces, one write each, and then runs `check`. */
async function answering(pieces: readonly string[], check: (port: number) => Promise<void>): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', async () => {
      for (const piece of pieces) {
        socket.write(piece)
        await turn()
      }
      if (pieces.length === 0) socket.destroy()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await check((server.address() as AddressInfo).port)
  } finally {
    server.close()
    await once(server, 'close')
  }
}

it.each([
  [['+PONG\r\n'], 'PONG'],
  [[':42\r\n'], 42],
  [['$-1\r\n'], null],
  [['$8\r\n', 'a\r\nb', '✓c\r\n'], 'a\r\nb✓c'],
  [
    ['*3\r\n$3\r\ndir\r', '\n$4\r\n/tmp\r\n', '*1\r\n:1\r\n'],
    ['dir', '/tmp', [1]],
  ],
])('reads %j, in whatever pieces it comes', async (pieces, reply) => {
  await answering(pieces, async (port) => expect(await askRedis({ port }, ['GET', 'ключ'])).toEqual(reply))
})

it('throws what Redis answers as an error', async () => {
  await answering(['-LOADING wait\r\n'], async (port) => {
    await expect(askRedis({ port }, ['PING'])).rejects.toMatchObject({
      name: 'RedisReplyError',
      message: 'LOADING wait',
    })
  })
})

it('tells apart a server that is no Redis, one that hangs up and one that says nothing', async () => {
  await answering(['HTTP/1.1 400 Bad Request\r\n'], async (port) => {
    await expect(askRedis({ port }, ['PING'])).rejects.toThrow('to answer in RESP, got "HTTP/1.1 400 Bad Request"')
  })
  await answering([], async (port) => {
    await expect(askRedis({ port }, ['PING'])).rejects.toThrow(`${port} closed the connection before it answered PING`)
  })
  await answering(['+half'], async (port) => {
    await expect(askRedis({ port, timeoutMs: 50 }, ['PING'])).rejects.toThrow('to answer PING within 50 ms')
  })
})

it('rejects with the error of the socket where nobody listens', async () => {
  await expect(askRedis({ port: await freePort() }, ['PING'])).rejects.toMatchObject({ code: 'ECONNREFUSED' })
})
