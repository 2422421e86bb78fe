import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AnyJobDefinition, Handler, JobPack } from '@foliot/jobs'

/** A job type that this worker can run. */
export interface Runnable {
  readonly definition: AnyJobDefinition
  readonly handler: Handler
}

/** What a worker can run, by the name of the job type. */
export type Runnables = ReadonlyMap<string, Runnable>

/**
 * Loads the modules named in `FOLIOT_JOBS`: packages and files, looked up from the folder the worker was started in.
 *
 * @throws TypeError if there are none, one cannot be loaded or is no job pack, or two define the same type.
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
      runnables.set(definition.name, { definition, handler: handlers[definition.name] as Handler })
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
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TypeError(`expected to load ${name}, which FOLIOT_JOBS names, from ${folder}: ${reason}`, { cause })
  }
}

const isJobPack = (value: unknown): value is JobPack =>
  typeof value === 'object' && value !== null && 'jobs' in value && Array.isArray(value.jobs) && 'handlers' in value

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
