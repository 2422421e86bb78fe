import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { inject } from 'vitest'
import type { Offer } from './shared-postgres.ts'

/**
 * What the run has for all test files. The first call of a run starts the server, which takes a second or two.
 *
 * @throws Error if the server could not be started.
 */
export async function offeredPostgres(): Promise<Offer> {
  const answer = await text(connect({ port: inject('foliotTestPostgresPort'), host: '127.0.0.1' }))
  const { error, ...offer } = JSON.parse(answer) as Offer & { error?: string }
  if (error !== undefined) throw new Error(`expected the PostgreSQL of the tests to start, but ${error}`)
  return offer
}
