import { isDeadLetter, isJobId, isTerminal, type Job, searchedTexts, wordsOf } from '@foliot/jobs'
import type { FinishedJob } from './finished-job.ts'
import { inputForSearch, isJson } from './input-search.ts'
import { storedLog } from './job-log.ts'
import { indexedText, storedText, storedTextOrNull } from './stored-text.ts'
import { tag, tagsOfDuration, tagsOfTime } from './tags.ts'

/** Of how much text of a job the index has the words, in characters. More would make one job cost as much as a thousand. */
const WORDS_LENGTH = 16 * 1024

/** One job as it is written; times are RFC 3339. `tags` is an array as PostgreSQL spells it. */
export interface JobRow {
  id: string
  createdAt: string
  tenant: string
  queue: string
  type: string
  status: string
  attempt: number
  moves: number
  finishedAt: string
  discardedAt: string | null
  durationMs: number | null
  errorName: string | null
  errorKind: string | null
  errorMessage: string | null
  fingerprint: string | null
  scheduleId: string | null
  traceId: string
  document: string
  log: string | null
  tags: string
  inputSearch: string | null
  words: string | null
}

/** @throws TypeError that says what is wrong with the job, if it can not be kept. */
export function toRow(finished: FinishedJob): JobRow {
  const { job, log } = finished
  expectKeepable(job)
  const { error } = job
  const hasJson = isJson(finished.inputText)
  const durationMs = job.startedAt === undefined ? null : Date.parse(job.finishedAt) - Date.parse(job.startedAt)
  return {
    id: job.id,
    createdAt: job.createdAt,
    tenant: storedText(job.tenant),
    queue: indexedText(job.queue),
    type: indexedText(job.type),
    status: job.status,
    attempt: job.attempt,
    moves: job.timeline.length + (job.timelineLeftOut ?? 0),
    finishedAt: job.finishedAt,
    discardedAt: job.discardedAt ?? null,
    durationMs,
    errorName: storedTextOrNull(error?.name),
    errorKind: storedTextOrNull(error?.kind),
    errorMessage: storedTextOrNull(error?.message),
    fingerprint: error?.fingerprint === undefined ? null : indexedText(error.fingerprint),
    scheduleId: storedTextOrNull(job.scheduleId),
    traceId: storedText(job.traceId),
    document: documentOf(finished, hasJson),
    log: log.length === 0 && !finished.linesWritten ? null : storedLog(log, finished.linesWritten),
    tags: arrayText(tagsOf(finished, durationMs)),
    inputSearch: hasJson ? inputForSearch(finished.inputText) : null,
    words: wordsInIndex(finished),
  }
}

type Keepable = Job & { finishedAt: string }

function expectKeepable(job: Job): asserts job is Keepable {
  if (!isJobId(job.id)) throw new TypeError(`expected a job whose id is a UUID, got ${JSON.stringify(job.id)}`)
  if (!isTerminal(job.status) || job.finishedAt === undefined) {
    throw new TypeError(`expected a job that has ended, got one that is ${job.status}`)
  }
  for (const name of ['createdAt', 'startedAt', 'finishedAt', 'discardedAt'] as const) {
    const time = job[name]
    if (time !== undefined && Number.isNaN(Date.parse(time))) {
      throw new TypeError(`expected ${name} to be a time, got ${JSON.stringify(time)}`)
    }
  }
}

/** As the REST API writes a job: input and output, of which the text that was sent, come last. */
function documentOf({ job, inputText, outputText }: FinishedJob, hasJson: boolean): string {
  const others = JSON.stringify({ ...job, input: undefined, output: undefined })
  const input = hasJson ? inputText : JSON.stringify(job.input)
  const output = outputText !== null && isJson(outputText) ? outputText : JSON.stringify(job.output)
  return storedText(`${others.slice(0, -1)},"input":${input},"output":${output}}`)
}

function tagsOf({ job, attempts }: FinishedJob, durationMs: number | null): Set<string> {
  const tags = new Set<string>([
    tag.status(job.status),
    tag.type(job.type),
    tag.queue(job.queue),
    tag.tenant(job.tenant),
    ...tagsOfTime(Date.parse(job.createdAt)),
    ...(durationMs === null ? [] : tagsOfDuration(durationMs)),
  ])
  for (const [key, value] of Object.entries(job.labels)) tags.add(tag.label(key, value))
  for (const { worker } of attempts) tags.add(tag.worker(worker))
  if (job.scheduleId !== undefined) tags.add(tag.schedule(job.scheduleId))
  if (job.error) {
    tags.add(tag.errorKind(job.error.kind))
    if (job.error.fingerprint !== undefined) tags.add(tag.fingerprint(job.error.fingerprint))
  }
  if (isDeadLetter(job.status) && job.discardedAt === undefined) tags.add(tag.dead())
  return tags
}

/** An array in PostgreSQL's own spelling: arrays of different lengths cannot be sent as an array of arrays. */
const arrayText = (texts: Iterable<string>): string =>
  `{${Array.from(texts, (text) => `"${text.replace(/["\\]/g, '\\$&')}"`).join(',')}}`

/** Its words with blanks between them. Of a job that has none, null. */
function wordsInIndex({ job, attempts, log }: FinishedJob): string | null {
  let text = ''
  for (const each of searchedTexts(job.error, attempts, log)) {
    text += `${each}\n`
    if (text.length > WORDS_LENGTH) break
  }
  return [...wordsOf(text.slice(0, WORDS_LENGTH))].join(' ') || null
}
