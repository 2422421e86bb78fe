import { startApp } from './app-process.ts'
import { type KeptChild, keepRunning } from './keep-running.ts'
import type { Output } from './output.ts'

export interface RunningApp {
  kept: KeptChild
  /** Its address, once it has logged that it is ready. */
  ready: Promise<string>
}

export interface AppToRun {
  /** Its main file, as an absolute path. */
  entry: string
  env: NodeJS.ProcessEnv
  output: Output
  /** Told when it refuses its configuration, after the reader has been told. */
  onConfigError: () => void
}

/** Runs an app, its lines on the output, and starts it again whenever it dies. */
export function runApp(name: string, { entry, env, output, onConfigError }: AppToRun): RunningApp {
  const ready = Promise.withResolvers<string>()
  const onLine = (text: string): void => {
    output.appLine(name, text)
    const url = readyUrl(text)
    if (url !== undefined) ready.resolve(url)
  }
  const start = () => startApp({ entry, env, onLine })
  const kept = keepRunning({
    name,
    first: start(),
    restart: start,
    say: output.say,
    onConfigError: () => {
      output.say(`The ${name} refuses its configuration, for the reason above. Nothing would change by another try.`)
      onConfigError()
    },
  })
  return { kept, ready: ready.promise }
}

/** The `url` of an app's line `{"msg": "ready", "url": …}`. */
function readyUrl(text: string): string | undefined {
  if (!text.includes('"ready"')) return undefined
  try {
    const { msg, url } = JSON.parse(text) as Record<string, unknown>
    return msg === 'ready' && typeof url === 'string' ? url : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
