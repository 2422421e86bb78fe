import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type AnyJobDefinition, describeJob, type Handler, type JobPack, type JobType } from '@foliot/jobs'

/** A job type that this worker can run. */
export interface Runnable {
  readonly definition: AnyJobDefinition
  readonly handler: Handler
  /** What is announced of it. */
  readonly type: JobType
}

/** What a worker can run, by the name of the job type. */
export type Runnables = ReadonlyMap<string, Runnable>

/**
 * Loads the modules named in `FOLIOT_JOBS`: packages and files, looked up from the folder the worker was started in.
 *
 * @throws TypeError if there are none, one cannot be loaded or is no job pack, two define the same type, or a schema
 * cannot be said in JSON Schema.
 */
export async function loadJobPacks(modules: readonly string[], folder: string): Promise<Runnables> {
  if (modules.length === 0) {
    throw new TypeError('expected FOLIOT_JOBS to name the modules with the jobs to run, got none')
  }
  const runnables = new Map<string, Runnable>()
  for (const name of modules) {
    const { jobs, handlers } = await loadJobPack(name, folder)
    for (const definition of jobs) {
      if (runnables.has(definition.name)) {
        throw new TypeError(`job type "${definition.name}" is defined by two modules in FOLIOT_JOBS; one is ${name}`)
      }
      const handler = handlers[definition.name]
      if (typeof handler !== 'function') {
        throw new TypeError(
          `expected ${name} to have a handler for job type "${definition.name}", got ${typeof handler}`,
        )
      }
      runnables.set(definition.name, { definition, handler, type: describeJob(definition) })
    }
  }
  return runnables
}

async function loadJobPack(name: string, folder: string): Promise<JobPack> {
  const exported: unknown = await importFrom(name, folder)
  if (isJobPack(exported)) return exported
  throw new TypeError(`expected the default export of ${name} to be jobPack(jobs, handlers), got ${typeof exported}`)
}

async function importFrom(name: string, folder: string): Promise<unknown> {
  try {
    const path = createRequire(join(folder, 'from-here.js')).resolve(name)
    return ((await import(pathToFileURL(path).href)) as { default?: unknown }).default
  } catch (cause) {
    // The lines after the first tell where Node looked from, which is no file of anybody's.
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split('\n')
    throw new TypeError(`expected to load ${name}, which FOLIOT_JOBS names, from ${folder}: ${reason}`, { cause })
  }
}

const isJobPack = (value: unknown): value is JobPack =>
  isObject(value) && Array.isArray(value.jobs) && isObject(value.handlers)

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null

/**
 * The job types of each queue that this worker serves.
 *
 * @param only names of queues to serve; empty means all
 * @throws TypeError for a queue in `only` that no loaded type belongs to.
 */
export function groupByQueue(runnables: Runnables, only: readonly string[]): ReadonlyMap<string, Runnable[]> {
  const queues = new Map<string, Runnable[]>()
  for (const runnable of runnables.values()) {
    const { queue } = runnable.definition
    queues.set(queue, [...(queues.get(queue) ?? []), runnable])
  }
  for (const name of only) {
    if (!queues.has(name)) {
      const known = [...queues.keys()].join(', ')
      throw new TypeError(`expected FOLIOT_QUEUES to name queues of the loaded jobs (${known}), got "${name}"`)
    }
  }
  return only.length === 0 ? queues : new Map([...queues].filter(([name]) => only.includes(name)))
}
