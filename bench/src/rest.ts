/** POST /v1/jobs, with a key, validation and labels, against the least server that anybody would write. */
import type { Redis } from 'ioredis'
import type { ServerAnswer, ServerTask } from './baselines/minimal-server.ts'
import { startErrand } from './errand.ts'
import { foliotOn } from './foliot.ts'
import type { RequestLoadAnswer, RequestLoadTask } from './load/request-load.ts'
import { type Arms, playRounds } from './play-rounds.ts'
import { countProcessorTime } from './processor-time.ts'
import { assertCounts } from './queue-counts.ts'
import { BARE_QUEUE, openBareQueue, openFoliotQueue } from './queues.ts'
import { report } from './report.ts'
import type { Round } from './round.ts'
import { runBench } from './run-bench.ts'
import { QUEUE } from './sample.ts'

const CONNECTIONS = 50

type Figure = 'requestsPerSecond' | 'p50Ms' | 'p99Ms' | 'nodeUsPerRequest' | 'redisUsPerRequest'

await runBench('rest', async (bench) => {
  const { short, profileDir } = bench.options
  const load = { connections: CONNECTIONS, warmUp: short ? 500 : 20_000, requests: short ? 1000 : 60_000 }
  const stored = load.warmUp + load.requests

  interface Target extends Pick<RequestLoadTask, 'url' | 'headers'> {
    pid: number
    redis: Redis
  }

  const fire = async (round: Round, { pid, redis, ...target }: Target) => {
    const used = await countProcessorTime(pid, redis)
    const { answer } = await round.run(
      startErrand<RequestLoadTask, RequestLoadAnswer>(new URL('./load/request-load.ts', import.meta.url), {
        ...target,
        ...load,
      }),
    )
    const { nodeUs, redisUs } = await used()
    return {
      requestsPerSecond: load.requests / answer.seconds,
      p50Ms: answer.p50Ms,
      p99Ms: answer.p99Ms,
      nodeUsPerRequest: nodeUs / stored,
      redisUsPerRequest: redisUs / stored,
    }
  }

  const arms: Arms<Figure> = {
    async ours(round) {
      const server = await round.startRedis()
      const redis = round.connect(server)
      const profile = profileDir === undefined ? undefined : ({ app: 'api', dir: profileDir } as const)
      const foliot = foliotOn(round, { redisUrl: server.url, profile })
      await foliot.announce()
      const api = await foliot.api()
      const headers = { authorization: `Bearer ${foliot.key}` }
      const figures = await fire(round, { url: `${api.url}/v1/jobs`, headers, pid: api.pid, redis })
      await assertCounts(openFoliotQueue(redis, QUEUE), { waiting: stored })
      return figures
    },
    async baseline(round) {
      const server = await round.startRedis()
      const redis = round.connect(server)
      const minimal = await round.run(
        startErrand<ServerTask, ServerAnswer>(new URL('./baselines/minimal-server.ts', import.meta.url), {
          redisUrl: server.url,
          queue: BARE_QUEUE,
        }),
      )
      const figures = await fire(round, { url: `${minimal.answer.url}/v1/jobs`, headers: {}, pid: minimal.pid, redis })
      await assertCounts(openBareQueue(redis), { waiting: stored })
      return figures
    },
  }

  const pairs = await playRounds(bench, arms, 'requestsPerSecond')
  return report(pairs, 'requestsPerSecond', { requestsPerSecond: '≥ 0.75', p99Ms: '≤ 1.5' })
})
