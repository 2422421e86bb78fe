import type { Job } from '@foliot/jobs'
import { textsOf } from '@foliot/queue'
import type { FastifySerializerCompiler } from 'fastify'
import { scheduleListText, scheduleText } from './schedules/show-schedule.ts'
import * as wire from './wire/job.ts'
import { JobList } from './wire/list.ts'
import { Schedule, ScheduleList } from './wire/schedule.ts'

/** Jobs of the history, and how they were written. */
const documents = new WeakMap<Job, string>()

/** A job from the text that the history keeps of it. */
export function jobOfDocument(document: string): Job {
  const job = JSON.parse(document) as Job
  documents.set(job, document)
  return job
}

/** A job as JSON text, with its input as it was sent and its output as it was stored: to write them anew would change them. */
export function jobText(job: Job): string {
  const document = documents.get(job)
  if (document !== undefined) return document
  const { input, output } = textsOf(job)
  const others = JSON.stringify({ ...job, input: undefined, output: undefined })
  return `${others.slice(0, -1)},"input":${input},"output":${output}}`
}

const jobListText = ({ items, ...page }: { items: readonly Job[] }): string =>
  `{"items":[${items.map(jobText).join(',')}],${JSON.stringify(page).slice(1)}`

type Serializer = (answer: never) => string

const WRITERS = new Map<unknown, Serializer>([
  [wire.Job, jobText],
  [JobList, jobListText],
  [Schedule, scheduleText],
  [ScheduleList, scheduleListText],
])

/**
 * Says how an answer is written, by its schema. It is not checked against that: answers are made by us and tests hold
 * their shapes to the OpenAPI document, while checking each costs half a request.
 */
export const compileSerializer: FastifySerializerCompiler<unknown> = ({ schema }) =>
  (WRITERS.get(schema) as ((answer: unknown) => string) | undefined) ?? JSON.stringify
