import type { Handlers } from '@foliot/jobs'
import { makeCsvSummarize } from './csv/summarize.ts'
import type { AllowList } from './http/allow-list.ts'
import { makeGate, type Resolve } from './http/gate.ts'
import { makeHttpRequest } from './http/http-request.ts'
import type { everydayJobs } from './jobs.ts'

export interface Settings {
  /** The hosts that may be called although their address is not public. */
  readonly httpAllow: AllowList
  /** The folder that a path in `source` is relative to. Undefined: paths are refused. */
  readonly filesDir: string | undefined
  /** Finds the addresses of a host name. Default: as the system does. */
  readonly resolve?: Resolve
}

/** What each job does, with what it may touch. */
export function makeHandlers({ httpAllow, filesDir, resolve }: Settings): Handlers<typeof everydayJobs> {
  const gate = makeGate(httpAllow, resolve)
  return {
    'http.request': makeHttpRequest(gate),
    'csv.summarize': makeCsvSummarize({ filesDir, gate }),
  }
}
