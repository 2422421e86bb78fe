import { basename, dirname, join } from 'node:path'
import { HEAP_ARGUMENTS } from '@foliot/local-services'
import { type Running, start, WORKSPACE } from './process.ts'

/** An app that has said that it is ready. */
export interface App extends Running {
  /** Where it answers HTTP. No slash at the end. */
  readonly url: string
}

export interface AppOptions {
  env: Readonly<Record<string, string>>
  /** Where its CPU profile is written when it ends, as an absolute path. Default: it is not profiled. */
  profile?: string | undefined
}

const READY_WITHIN_MS = 30_000

export type AppName = 'api' | 'worker' | 'recorder' | 'scheduler'

/** Starts one of the apps as its users do, on any free port, and waits until it is ready. */
export async function startApp(app: AppName, { env, profile }: AppOptions): Promise<App> {
  const ready = Promise.withResolvers<string>()
  const process = start({
    name: `apps/${app}`,
    args: [
      ...HEAP_ARGUMENTS,
      ...(profile === undefined ? [] : profiling(profile)),
      join(WORKSPACE, 'apps', app, 'src/main.ts'),
    ],
    // Supervised, it ends when its standard input does: also when we are killed.
    env: { FOLIOT_SUPERVISED: '1', FOLIOT_API_PORT: '0', FOLIOT_WORKER_PORT: '0', ...env },
    end: (child) => child.kill('SIGTERM'),
    onLine: (line) => {
      const url = urlOfReadyLine(line)
      if (url !== undefined) ready.resolve(url)
    },
  })
  const timer = setTimeout(() => process.child.kill('SIGKILL'), READY_WITHIN_MS)
  void process.exited.then(() => ready.reject(new Error(`apps/${app} did not become ready:\n${process.lastOutput}`)))
  try {
    return Object.assign(process, { url: await ready.promise })
  } finally {
    clearTimeout(timer)
  }
}

const profiling = (file: string): string[] => [
  '--cpu-prof',
  `--cpu-prof-dir=${dirname(file)}`,
  `--cpu-prof-name=${basename(file)}`,
]

/** The line in which an app says where it answers: `{"msg":"ready","url":…}`. */
function urlOfReadyLine(line: string): string | undefined {
  if (!line.includes('"msg":"ready"')) return undefined
  const { url } = JSON.parse(line) as { url?: unknown }
  return typeof url === 'string' ? url.replace(/\/$/, '') : undefined
}
