import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from '@foliot/history'
import { defineJob, describeJob } from '@foliot/jobs'
import { announce, defineScripts, queuesToEmpty } from '@foliot/queue'
import type { Redis } from 'ioredis'
import { sql } from 'kysely'
import { z } from 'zod'
import { KINDS, QUEUES } from './catalogue.ts'

/** Has all types and queues known, as a worker would. */
export async function announceKinds(redis: Redis): Promise<void> {
  const types = KINDS.map(({ type, queue }) => describeJob(defineJob({ name: type, queue, input: z.looseObject({}) })))
  await announce(defineScripts(redis), types)
}

const LOOK_EVERY_MS = 20

/** Resolves when nothing that finished waits for the history any more. */
export async function untilRecorded(redis: Redis, signal: AbortSignal): Promise<void> {
  while ((await queuesToEmpty(redis, QUEUES)).length > 0) await sleep(LOOK_EVERY_MS, undefined, { signal })
}

/** @throws Error if the history holds another number: then jobs were lost, or kept twice. */
export async function assertRecorded(db: Database, jobs: number): Promise<void> {
  const { rows } = await sql<{ jobs: number }>`select count(*) as jobs from foliot.jobs`.execute(db)
  const found = rows[0]?.jobs
  if (found !== jobs) throw new Error(`expected the history to hold ${jobs} jobs, got ${found}`)
}
