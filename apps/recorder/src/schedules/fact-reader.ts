import {
  type FindingKind,
  HOMELESS_QUEUE,
  type Run,
  readHomes,
  readOpenRuns,
  readRuns,
  readTickStates,
  type TickState,
  tickJobId,
} from '@foliot/queue'
import type { Redis } from 'ioredis'
import type { FindingsBoard } from './findings-board.ts'
import type { Questions, Verdict, WatchedSchedule } from './watched-schedule.ts'

/** What is known of one schedule before it is judged. */
export interface Looked {
  watched: WatchedSchedule
  state: TickState | undefined
  questions: Questions
}

/** And after it was. */
export interface Judged extends Verdict {
  watched: WatchedSchedule
  state: TickState | undefined
}

/** Reads from Redis what schedules are judged by. */
export class FactReader {
  readonly #redis: Redis
  readonly #board: FindingsBoard

  constructor(redis: Redis, board: FindingsBoard) {
    this.#redis = redis
    this.#board = board
  }

  /** In whose keys the ticks of some schedules are decided. */
  async findHomes(homeless: readonly WatchedSchedule[]): Promise<void> {
    const finding = Array.from(
      Map.groupBy(homeless, ({ slot }) => slot),
      async ([slot, group]) => {
        const keys = group.map(({ key }) => key)
        const homes = await readHomes(this.#redis, slot, keys)
        for (const [i, watched] of group.entries()) watched.home = homes[i]
      },
    )
    await Promise.all(finding)
  }

  /** Those whose ticks are decided in another queue by now. */
  async findMoved(suspects: readonly WatchedSchedule[]): Promise<Set<WatchedSchedule>> {
    const before = suspects.map(({ home }) => home)
    await this.findHomes(suspects)
    return new Set(
      suspects.filter(({ home }, i) => home?.queue !== before[i]?.queue || home?.since !== before[i]?.since),
    )
  }

  /** What was decided of them, and what has to be asked to judge them. */
  async readStates(batch: readonly WatchedSchedule[], now: number): Promise<Looked[]> {
    const looked: Looked[] = []
    for (const [queue, group] of Map.groupBy(batch, ({ home }) => home?.queue)) {
      const keys = group.map(({ key }) => key)
      const states = queue === undefined ? [] : await readTickStates(this.#redis, queue, keys)
      for (const [i, watched] of group.entries()) {
        const known = (kind: FindingKind) => this.#board.get(kind, watched.ref)
        looked.push({ watched, state: states[i], questions: watched.questions(now, known) })
      }
    }
    return looked
  }

  /** The jobs that the judgement of some schedules depends on. */
  async readRuns(looked: readonly Looked[], now: number): Promise<Map<string, Run>> {
    const redis = this.#redis
    const runs = new Map<string, Run>()
    for (const [queue, group] of Map.groupBy(looked, queueOf)) {
      const heeding = group.filter(({ watched }) => watched.heeds && watched.finishWithinMs !== undefined)
      const open = await readOpenRuns(
        redis,
        queue,
        heeding.map(({ watched }) => watched.key),
      )
      for (const [i, { watched, questions }] of heeding.entries()) {
        const limit = now - (watched.finishWithinMs ?? 0)
        const ticks = (open[i] ?? []).map((id) => watched.maybeDue(tickOf(id)))
        questions.ended.push(...ticks.filter(({ nominal, due = nominal }) => due <= limit))
        // The oldest that has not ended is told of.
        questions.ended.sort((a, b) => a.nominal - b.nominal)
      }
      const ids = group.flatMap(({ watched, state, questions: { started, ended, missed } }) => {
        const ticks = [...started, ...ended].map(({ nominal }) => nominal)
        if (missed?.tick !== undefined) ticks.push(missed.tick, watched.lastDecided(state?.decided ?? missed.tick))
        return ticks.map((tick) => tickJobId(watched.key, tick))
      })
      const found = await readRuns(redis, queue, ids)
      for (const [i, id] of ids.entries()) if (found[i]) runs.set(id, found[i])
    }
    return runs
  }

  /** When the last job was made, for those of which something new is to be told. */
  async addLastRuns(judged: readonly Judged[]): Promise<void> {
    const asking = judged.flatMap((one) => {
      const decided = one.state?.decided
      if (decided === undefined || this.#board.news(one.findings).length === 0) return []
      return [
        {
          one,
          id: tickJobId(one.watched.key, one.watched.lastDecided(decided)),
          queue: one.watched.home?.queue ?? HOMELESS_QUEUE,
        },
      ]
    })
    for (const [queue, group] of Map.groupBy(asking, ({ queue }) => queue)) {
      const ids = group.map(({ id }) => id)
      const runs = await readRuns(this.#redis, queue, ids)
      for (const [i, { one }] of group.entries()) {
        const lastRunAt = runs[i]?.madeAt
        if (lastRunAt !== undefined) one.findings = one.findings.map((finding) => ({ ...finding, lastRunAt }))
      }
    }
  }
}

const queueOf = ({ watched }: Looked): string => watched.home?.queue ?? HOMELESS_QUEUE

/** The tick of a job, see `tickJobId`. */
const tickOf = (jobId: string): number => Number.parseInt(jobId.slice(0, 8) + jobId.slice(9, 13), 16)
