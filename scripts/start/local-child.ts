import type { RedisServer } from '@foliot/local-services'
import type { Child } from './keep-running.ts'

/** A server of ours, Redis or PostgreSQL, as a child that is kept running. */
export function toChild(server: Pick<RedisServer, 'exited' | 'stop' | 'kill'>): Child {
  return {
    exited: server.exited.then(({ code, signal }) => ({ code, how: signal ?? `code ${code}` })),
    signal: (signal) => void (signal === 'SIGKILL' ? server.kill() : server.stop()),
  }
}
