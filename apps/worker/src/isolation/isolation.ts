import { JobError } from '@foliot/jobs'
import type { Service } from '@foliot/lifecycle'
import type { RunningAttempt } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Performed } from '../perform.ts'
import type { ReadableJob } from '../read-job.ts'
import { GroupGuard } from './group-guard.ts'
import { IsolatedProcess } from './isolated-process.ts'

export interface IsolationOptions {
  /** The modules with the jobs, and the folder that they are looked up from: those of the worker. */
  modules: readonly string[]
  folder: string
  /** The most that V8's heap may take in each process, in MB. Buffers are not in it. */
  memoryMb: number
  log: Logger
  /** How many jobs a process runs before another one takes its place. Default 100. */
  jobsPerProcess?: number
  /** How long a process lives on without a job, in milliseconds. Default 60 000. */
  idleMs?: number
  /** Until a handler begins, in milliseconds; the first one of a process has to wait for the modules. Default 30 000. */
  startWithinMs?: number
}

/** An attempt in a process of its own. */
export interface IsolatedRun {
  /** Resolves when the handler is called. Until then the attempt waits for a process, which may have to start. */
  readonly began: Promise<void>
  /** Never rejects. */
  readonly done: Promise<Performed>
  /** Kills the process. `done` resolves when it is gone, as `stopped`, unless the handler was done before. */
  kill(): void
}

const DEFAULTS = { jobsPerProcess: 100, idleMs: 60_000, startWithinMs: 30_000 }

interface Idle {
  readonly process: IsolatedProcess
  readonly timer: NodeJS.Timeout
}

/**
 * Runs the attempts of isolated jobs in processes, one in each at a time. A process is started when none is idle, so that
 * there are no more of them than such attempts at the same time.
 */
export class Isolation implements Service {
  readonly name = 'isolation'
  readonly #options: IsolationOptions & typeof DEFAULTS
  readonly #guard: GroupGuard
  readonly #processes = new Set<IsolatedProcess>()
  /** The last one was used last: those before it have time to end. */
  #idle: Idle[] = []
  #isStopped = false

  constructor(options: IsolationOptions) {
    this.#options = { ...DEFAULTS, ...options }
    this.#guard = new GroupGuard((err) =>
      options.log.warn({ err }, `isolated jobs may outlive a worker that is killed: ${err.message}`),
    )
  }

  /** Ids of the processes there are. */
  get pids(): number[] {
    return [...this.#processes].flatMap(({ pid }) => pid ?? [])
  }

  /** Starts nothing yet: the first attempt does. */
  async start(): Promise<void> {}

  /** Runs the handler of the attempt, and aborts its signal when the attempt is told to stop. */
  run(attempt: RunningAttempt, { definition }: ReadableJob): IsolatedRun {
    const timeoutMs = attempt.claim.envelope.timeoutMs ?? definition.timeoutMs
    const began = Promise.withResolvers<void>()
    let process: IsolatedProcess | undefined
    const perform = async (): Promise<Performed> => {
      for (;;) {
        try {
          process = this.#take()
        } catch (thrown) {
          return { kind: 'threw', thrown }
        }
        const performed = await process.perform(attempt, timeoutMs, began.resolve)
        this.#giveBack(process, attempt)
        process = undefined
        if (performed) return performed
      }
    }
    return { began: began.promise, done: perform(), kill: () => process?.kill() }
  }

  /** Kills what runs. Resolves when every process is gone. */
  async stop(): Promise<void> {
    this.#isStopped = true
    for (const { process, timer } of this.#idle.splice(0)) {
      clearTimeout(timer)
      process.retire()
    }
    for (const process of this.#processes) if (process.isFit) process.kill()
    await Promise.all([...this.#processes].map(({ ended }) => ended))
  }

  /** @throws JobError if there is no room for another process. */
  #take(): IsolatedProcess {
    for (let idle = this.#idle.pop(); idle; idle = this.#idle.pop()) {
      clearTimeout(idle.timer)
      if (idle.process.isFit) return idle.process
    }
    if (this.#isStopped) throw new JobError('expected a process to run this attempt in, but the worker is stopping')
    return this.#start()
  }

  #start(): IsolatedProcess {
    let process: IsolatedProcess
    try {
      process = new IsolatedProcess(this.#options)
    } catch (cause) {
      const { message } = cause as Error
      throw new JobError(`expected a process to run this attempt in, but it could not be started: ${message}`, {
        cause,
      })
    }
    this.#processes.add(process)
    this.#guard.watch(this.pids)
    void process.ended.then(() => {
      this.#processes.delete(process)
      this.#guard.watch(this.pids)
    })
    return process
  }

  /** What was told to stop may have left anything behind. */
  #giveBack(process: IsolatedProcess, attempt: RunningAttempt): void {
    if (!process.isFit) return
    if (this.#isStopped || attempt.stopReason || process.jobs >= this.#options.jobsPerProcess) {
      process.retire()
      return
    }
    const timer = setTimeout(() => {
      this.#idle = this.#idle.filter((idle) => idle.process !== process)
      process.retire()
    }, this.#options.idleMs)
    this.#idle.push({ process, timer })
  }
}
