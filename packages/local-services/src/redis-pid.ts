import { askRedis } from './ask-redis.ts'

/** The process id that the Redis on this port of 127.0.0.1 says it has. */
export async function redisPid(port: number): Promise<number> {
  const info = await askRedis({ port }, ['INFO', 'server'])
  const pid = /^process_id:(\d+)/m.exec(String(info))?.[1]
  if (pid === undefined) throw new Error(`expected INFO server on port ${port} to tell a process_id, got ${info}`)
  return Number(pid)
}
