/** The commands a second that three workers with nothing to do send to Redis · three bare BullMQ workers. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { RedisServer } from '@foliot/local-services'
import type { WorkerTask } from './baselines/bare-worker.ts'
import { startErrand } from './errand.ts'
import { foliotOn } from './foliot.ts'
import { type Arms, playRounds } from './play-rounds.ts'
import { BARE_QUEUE } from './queues.ts'
import { report } from './report.ts'
import type { Round } from './round.ts'
import { runBench } from './run-bench.ts'

const WORKERS = 3
const CONCURRENCY = 50

await runBench('idle', async (bench) => {
  const seconds = bench.options.short ? 2 : 30

  /** Of one queue. Those that a script of Redis makes count as well. */
  async function countCommands(round: Round, server: RedisServer): Promise<number> {
    const redis = round.connect(server)
    const processed = async (): Promise<number> =>
      Number(/^total_commands_processed:(\d+)/m.exec(await redis.info('stats'))?.[1])
    const before = await processed()
    await sleep(seconds * 1000, undefined, { signal: round.signal })
    // Less the one that asked.
    return ((await processed()) - before - 1) / seconds
  }

  const arms: Arms<'commandsPerSecond'> = {
    async ours(round) {
      const server = await round.startRedis()
      const foliot = foliotOn(round, { redisUrl: server.url })
      await Promise.all(Array.from({ length: WORKERS }, () => foliot.worker(CONCURRENCY)))
      return { commandsPerSecond: await countCommands(round, server) }
    },
    async baseline(round) {
      const server = await round.startRedis()
      const task = { redisUrl: server.url, queue: BARE_QUEUE, concurrency: CONCURRENCY, returns: 'data' } as const
      const file = new URL('./baselines/bare-worker.ts', import.meta.url)
      await Promise.all(Array.from({ length: WORKERS }, () => round.run(startErrand<WorkerTask, object>(file, task))))
      return { commandsPerSecond: await countCommands(round, server) }
    },
  }
  return report(await playRounds(bench, arms, 'commandsPerSecond'), 'commandsPerSecond', {})
})
