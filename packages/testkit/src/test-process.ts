import type { LogLine } from './log-lines.ts'

export interface ProcessOptions {
  /** What comes before `entry`. Default: this Node, resolving the workspace's packages to their sources. */
  command?: readonly [string, ...string[]]
  /** The file to run, absolute or from the root of the workspace; with `command`, its first argument. */
  entry: string
  args?: readonly string[]
  /** Added to PATH and HOME. The test's own variables are not passed on. */
  env?: Readonly<Record<string, string>>
  /** Default: the root of the workspace. */
  cwd?: string
  /** The start is over when a line of standard output matches. Default: as soon as the process is there. */
  until?: (line: LogLine) => boolean
  /** For `until`, in milliseconds. Default 20 000. */
  timeoutMs?: number
  /** Whether it leads a process group of its own, as a command in a terminal does; see `signalGroup`. Default false. */
  ownGroup?: boolean
}

export interface WaitForLineOptions {
  /** Default 20 000. */
  timeoutMs?: number
  /** How many lines to pass over: `process.lines.length` waits for a new one. Default 0. */
  from?: number
}

/** How a process ended: by itself with a code, or by a signal. */
export interface ProcessExit {
  code: number | null
  signal: NodeJS.Signals | null
}

/** A child process under test. */
export interface TestProcess extends AsyncDisposable {
  readonly pid: number
  /** What it has written to standard output so far. */
  readonly lines: readonly LogLine[]
  /** What it has written to standard error so far. */
  readonly errorText: string
  /** Settles when it has ended and all its output is in `lines`. */
  readonly exited: Promise<ProcessExit>
  /** The first line that matches, be it there already or still to come. Fails with the output if none comes. */
  waitForLine(matches: (line: LogLine) => boolean, options?: WaitForLineOptions): Promise<LogLine>
  signal(signal: NodeJS.Signals): void
  /** Signals its whole group, as Ctrl-C in a terminal does. Needs `ownGroup`. */
  signalGroup(signal: NodeJS.Signals): void
  /** Ends its standard input, as the death of its parent would. */
  closeInput(): void
  /** SIGTERM, and waits for the end. Fails, after a SIGKILL, if that does not come within 20 s. Safe to call twice. */
  stop(): Promise<ProcessExit>
  /** SIGKILL, to its whole group if it has one, and waits for the end. Safe to call twice. */
  kill(): Promise<ProcessExit>
}
