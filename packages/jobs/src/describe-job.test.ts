import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { defineJob } from './define-job.ts'
import { describeJob } from './describe-job.ts'

const resize = defineJob({
  name: 'image.resize',
  description: 'Makes it smaller',
  input: z.object({ url: z.string(), width: z.coerce.number().int().default(100) }),
  output: z.object({ bytes: z.number() }),
  isolation: 'process',
  redact: ['url'],
})
const echo = defineJob({ name: 'demo.echo', input: z.json() })

describe('describeJob', () => {
  it('announces the input as JSON Schema, in the form that callers send', () => {
    const { inputSchema, outputSchema, name } = describeJob(resize)
    expect(name).toBe('image.resize')
    expect(inputSchema).toMatchObject({ type: 'object', required: ['url'] })
    expect(outputSchema).toMatchObject({ properties: { bytes: { type: 'number' } } })
    expect(describeJob(echo)).not.toHaveProperty('outputSchema')
  })

  it('keeps everything else of the definition, and survives JSON', () => {
    const described = describeJob(resize)
    const { input, output, ...rest } = resize
    expect(described).toMatchObject(rest)
    expect(JSON.parse(JSON.stringify(described))).toEqual(described)
  })

  it('refuses a schema that JSON Schema cannot say, naming the job and the reason', () => {
    const dated = defineJob({ name: 'demo.dated', input: z.object({ at: z.date() }) })
    expect(() => describeJob(dated)).toThrow(/job "demo.dated": its input cannot be said in JSON Schema: Date/)
    const dateOut = defineJob({ name: 'demo.dated', input: z.json(), output: z.date() })
    expect(() => describeJob(dateOut)).toThrow('job "demo.dated": its output cannot be said in JSON Schema')
  })

  it('refuses a schema that cannot describe itself, and says what can', () => {
    const schema = { '~standard': { version: 1, vendor: 'mine', validate: (value: unknown) => ({ value }) } }
    const job = defineJob({ name: 'demo.mine', input: schema as never })
    expect(() => describeJob(job)).toThrow('its input schema (mine) cannot describe itself as JSON Schema; use Zod 4.2')
  })
})
