import { type ChildProcess, fork } from 'node:child_process'
import { extname, join } from 'node:path'
import { ERROR_KINDS, JobError, LIMITS } from '@foliot/jobs'
import type { RunningAttempt } from '@foliot/queue'
import type { Logger } from '@foliot/telemetry'
import type { Performed } from '../perform.ts'
import { answerCall } from './calls.ts'
import { exitCause, saysOutOfMemory } from './exit-cause.ts'
import { killGroup } from './kill-group.ts'
import type { FromChild, SentResult, ToChild } from './messages.ts'
import { readLines } from './output-lines.ts'
import { toError } from './sent-error.ts'
import { fromSentResult } from './sent-result.ts'

export interface ProcessOptions {
  /** The modules with the jobs, and the folder that they are looked up from. */
  modules: readonly string[]
  folder: string
  /** The most that V8's heap may take, in MB. */
  memoryMb: number
  /** Until a handler begins, in milliseconds; the first one has to wait for the modules. */
  startWithinMs: number
  log: Logger
}

/** The job that runs there. */
interface Run {
  readonly attempt: RunningAttempt
  readonly result: PromiseWithResolvers<SentResult>
  readonly onBegan: () => void
  began: boolean
}

const ENTRY = join(import.meta.dirname, `child-main${extname(import.meta.filename)}`)

/** What a process may take to end by itself before it is killed. */
const END_WITHIN_MS = 1000

/** A process that runs handlers, one at a time. It has loaded the job modules before the first. */
export class IsolatedProcess {
  readonly #options: ProcessOptions
  readonly #child: ChildProcess
  readonly #loaded = Promise.withResolvers<void>()
  readonly #ended = Promise.withResolvers<'ended'>()
  #log: Logger
  #run: Run | undefined
  #startTimer: NodeJS.Timeout | undefined
  #isLoaded = false
  #jobs = 0
  #lines = 0
  #ranOutOfMemory = false
  #uncaught: Error | undefined
  /** Whether its end is our own doing. */
  #isLetGo = false
  /** Why it ended; undefined while it runs. */
  #cause: string | undefined

  /** @throws Error if the system has no room for another process. */
  constructor(options: ProcessOptions) {
    const { memoryMb, modules, folder } = options
    this.#options = options
    this.#child = fork(ENTRY, {
      // Of two equal options the last one counts. A debugger has one port, which this process has taken.
      execArgv: [...process.execArgv.filter((arg) => !arg.startsWith('--inspect')), `--max-old-space-size=${memoryMb}`],
      // Carries what JSON cannot: the Map in a claim, Infinity in an input.
      serialization: 'advanced',
      // A group of its own, so that what a handler starts is killed with it, and Ctrl-C is this process's alone.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.#log = options.log.child({ isolatedPid: this.#child.pid })
    this.#listen()
    this.#send({ kind: 'load', modules, folder })
  }

  /** Undefined if it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid
  }

  /** How many jobs it has been given. */
  get jobs(): number {
    return this.#jobs
  }

  /** Whether it may be given another one. */
  get isFit(): boolean {
    return this.#cause === undefined && !this.#isLetGo
  }

  /** Resolves when it is gone; never rejects. */
  get ended(): Promise<unknown> {
    return this.#ended.promise
  }

  /**
   * Runs the handler of an attempt. Never rejects. Undefined if the handler could not begin, for what an earlier job has
   * left behind in the process: it is gone, and another one may run it.
   */
  async perform(attempt: RunningAttempt, timeoutMs: number, onBegan: () => void): Promise<Performed | undefined> {
    const { startWithinMs } = this.#options
    this.#startTimer = setTimeout(() => {
      this.#giveUp(`did not ${this.#isLoaded ? 'take up the job' : 'load the job modules'} within ${startWithinMs} ms`)
    }, startWithinMs)
    const performed = await Promise.race([this.#perform(attempt, onBegan), this.#ended.promise])
    clearTimeout(this.#startTimer)
    const run = this.#run
    this.#run = undefined
    if (performed !== 'ended') return performed
    if (this.#isLetGo) return { kind: 'stopped', reason: attempt.stopReason ?? 'shutdown', how: 'killed', timeoutMs }
    if (this.#jobs > 1 && !run?.began) return undefined
    const message = run
      ? `the process that ran this attempt ${this.#cause}`
      : `expected a process to run this attempt in, but it ${this.#cause}`
    return { kind: 'threw', thrown: new JobError(message, { kind: ERROR_KINDS.crashed, cause: this.#uncaught }) }
  }

  async #perform(attempt: RunningAttempt, onBegan: () => void): Promise<Performed> {
    this.#jobs++
    await this.#loaded.promise
    if (attempt.stopReason) return { kind: 'threw', thrown: attempt.signal.reason }
    const run: Run = { attempt, result: Promise.withResolvers(), onBegan, began: false }
    const { id, type, attempt: number } = attempt.claim
    this.#log = this.#options.log.child({ isolatedPid: this.pid, jobId: id, jobType: type, attempt: number })
    this.#lines = 0
    this.#run = run
    this.#send({ kind: 'perform', claim: attempt.claim })
    void attempt.stopped.then(() => {
      if (this.#run === run) this.#sendAbort(attempt.signal.reason as Error)
    })
    try {
      return fromSentResult(await run.result.promise)
    } catch (thrown) {
      return { kind: 'threw', thrown }
    }
  }

  /** Ends it at once, with all that its handlers have started. */
  kill(): void {
    this.#isLetGo = true
    this.#killGroup()
  }

  /** Lets it end: it is not needed any more. */
  retire(): void {
    this.#isLetGo = true
    this.#send({ kind: 'end' })
    const timer = setTimeout(() => this.#killGroup(), END_WITHIN_MS)
    void this.ended.then(() => clearTimeout(timer))
  }

  #giveUp(cause: string): void {
    this.#cause ??= cause
    this.#killGroup()
  }

  #killGroup(): void {
    if (this.pid !== undefined) killGroup(this.pid)
  }

  #listen(): void {
    const child = this.#child
    child.on('message', (message: FromChild) => this.#receive(message))
    child.on('error', (error) => {
      // Of one that runs, its end tells whatever there is to know.
      if (this.pid !== undefined) return
      this.#cause = `could not be started: ${error.message}`
      this.#ended.resolve('ended')
    })
    child.on('exit', () => {
      // What a handler has started may go on, and may hold the other end of the pipes.
      this.#killGroup()
      const timer = setTimeout(() => {
        child.stdout?.destroy()
        child.stderr?.destroy()
      }, END_WITHIN_MS)
      void this.ended.then(() => clearTimeout(timer))
    })
    // Comes when all that it has sent and printed is read.
    child.on('close', (code, signal) => {
      const { memoryMb } = this.#options
      const uncaught = this.#uncaught?.message
      this.#cause ??= exitCause({ code, signal, ranOutOfMemory: this.#ranOutOfMemory, memoryMb, uncaught })
      if (!this.#isLetGo) this.#log.warn(`a process of isolated jobs ${this.#cause}`)
      this.#ended.resolve('ended')
    })
    if (child.stdout) readLines(child.stdout, (line) => this.#print('info', line))
    if (child.stderr) {
      readLines(child.stderr, (line) => {
        this.#ranOutOfMemory ||= saysOutOfMemory(line)
        this.#print('warn', line)
      })
    }
  }

  #receive(message: FromChild): void {
    switch (message.kind) {
      case 'loaded':
        this.#isLoaded = true
        this.#loaded.resolve()
        break
      case 'refused':
        this.#cause ??= `could not load the job modules: ${message.error.message}`
        break
      case 'began':
        clearTimeout(this.#startTimer)
        if (this.#run) this.#run.began = true
        this.#run?.onBegan()
        break
      case 'call':
        if (this.#run) void answerCall(this.#run.attempt, message).then((answer) => this.#send(answer))
        break
      case 'performed':
        // What it printed before that comes by other ways: it should be logged as this job's.
        setImmediate((run) => run?.result.resolve(message.result), this.#run)
        break
      case 'uncaught':
        this.#uncaught = toError(message.error)
        break
    }
  }

  /** Lines of stdout and stderr, as many of one attempt as its log would keep. */
  #print(level: 'info' | 'warn', line: string): void {
    this.#lines++
    if (this.#lines <= LIMITS.logLines) this.#log[level](line)
    if (this.#lines === LIMITS.logLines)
      this.#log.warn(`${LIMITS.logLines} lines printed; what comes after is left out`)
  }

  #sendAbort(reason: Error): void {
    this.#send({ kind: 'abort', reason: { name: reason.name, message: reason.message, more: { ...reason } } })
  }

  /** That the process is gone is told by its end. */
  #send(message: ToChild): void {
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }
}
