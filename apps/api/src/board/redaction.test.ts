import type { Job, JobType } from '@foliot/jobs'
import { expect, it } from 'vitest'
import { redactJob } from './redaction.ts'

const job = {
  type: 'mail.send',
  input: { to: 'a@example.com', token: 'x', deep: [{ token: { also: 'y' } }] },
  output: { token: 'z', id: 1 },
} as unknown as Job

const announced = (redact: string[]) => new Map([['mail.send', { name: 'mail.send', redact } as unknown as JobType]])

it('hides the fields that the type names, at any depth of input and output', () => {
  expect(redactJob(job, announced(['token']))).toMatchObject({
    input: { to: 'a@example.com', token: '[redacted]', deep: [{ token: '[redacted]' }] },
    output: { token: '[redacted]', id: 1 },
  })
  expect(job.input).toMatchObject({ token: 'x' })
})

it('hides everything of a type that nobody announces any more', () => {
  const { input, output } = redactJob(job, new Map())
  expect(input).toContain('mail.send')
  expect(JSON.stringify([input, output])).not.toContain('example.com')
})

it('leaves a job alone whose type names nothing', () => {
  expect(redactJob(job, announced([]))).toBe(job)
})
