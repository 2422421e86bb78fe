import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = join(import.meta.dirname, '../..')

/** Named one by one: a docker-compose.override.yml of the user is not what is tried. */
const FILES = ['docker-compose.yml', 'scripts/containers/images.yml'].flatMap((file) => ['-f', join(root, file)])

/** What the second of them calls the images that are built. */
export const TRIAL_IMAGES = {
  api: 'foliot-trial-api',
  worker: 'foliot-trial-worker',
  recorder: 'foliot-trial-recorder',
  scheduler: 'foliot-trial-scheduler',
  cli: 'foliot-trial-cli',
}

/** How a program ended. */
export interface Ended {
  code: number
  stdout: string
  stderr: string
}

/** The containers of docker-compose.yml with names of their own for project and images, beside whatever else runs here. */
export interface Compose {
  /** Runs a command of Compose, like `['up', '-d']`. @throws Error with its output if it fails. */
  compose(args: readonly string[]): Promise<string>
  /** The same, for a command that may fail; `env` is added to the environment. */
  tryCompose(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Ended>
  /** Runs a command of Docker itself. @throws Error with its output if it fails. */
  docker(args: readonly string[]): Promise<string>
  tryDocker(args: readonly string[]): Promise<Ended>
}

/**
 * Finds Compose, as a part of Docker or as a program of its own.
 *
 * @param env the settings that `.env` would hold
 * @throws Error if there is none, or no Docker answers.
 */
export async function findCompose(project: string, env: NodeJS.ProcessEnv): Promise<Compose> {
  const tryDocker = (args: readonly string[]) => ending('docker', args, process.env)
  const docker = (args: readonly string[]) => tryDocker(args).then((ended) => outputOf(`docker ${args[0]}`, ended))
  const info = await tryDocker(['info'])
  if (info.code !== 0) throw notThere('a Docker that answers', 'docker info', info)
  const isPlugin = (await tryDocker(['compose', 'version'])).code === 0
  const [program, first] = isPlugin ? ['docker', ['compose']] : ['docker-compose', []]
  const tryCompose = (args: readonly string[], more: NodeJS.ProcessEnv = {}) =>
    ending(program, [...first, ...FILES, '-p', project, ...args], { ...process.env, ...env, ...more })
  const compose = (args: readonly string[]) => tryCompose(args).then((ended) => outputOf(`compose ${args[0]}`, ended))
  const version = await tryCompose(['version'])
  if (version.code !== 0) throw notThere('Docker Compose', `${[program, ...first].join(' ')} version`, version)
  return { compose, tryCompose, docker, tryDocker }
}

/** @returns an Error that says what is needed and what was found instead */
function notThere(what: string, command: string, { stdout, stderr }: Ended): Error {
  const lines = (stderr.trim() || stdout.trim()).split('\n')
  return new Error(
    `Expected ${what}, which the trial of the containers needs; \`${command}\` said: ${lines.at(-1)}\n` +
      'Install or start it and try again: https://docs.docker.com/get-started/get-docker',
  )
}

async function ending(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  try {
    return { code: 0, ...(await run(program, args, { cwd: root, env, maxBuffer: 64 * 1024 * 1024 })) }
  } catch (error) {
    const { code, stdout = '', stderr = '', message } = error as Error & Partial<Ended>
    return typeof code === 'number' ? { code, stdout, stderr } : { code: 1, stdout, stderr: message }
  }
}

function outputOf(command: string, { code, stdout, stderr }: Ended): string {
  if (code === 0) return stdout.trim()
  throw new Error(`expected \`${command}\` to succeed, got exit code ${code}:\n${stdout}${stderr}`)
}
