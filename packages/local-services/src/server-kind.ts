/** What has to be known of Redis, or of PostgreSQL, to tell whose a data folder is. */
export interface ServerKind {
  /** As people call it. */
  readonly name: string
  /** The name of the file of the claim, in the data folder. */
  readonly claimFile: string
  /** How long a living owner may need from its claim until its server can be found, in milliseconds. */
  readonly startMs: number
  /** The process id of the server whose data is in `dir`, which its owner wanted to listen on `port`; undefined for none. */
  serverOn(dir: string, port: number): Promise<number | undefined>
  /** Ends a server that is no child of ours, and waits until it has ended. */
  end(pid: number): Promise<void>
}
