import type { AnyJobDefinition, JobSchema } from './define-job.ts'
import type { JobType } from './job.ts'

/**
 * Turns a definition into what a worker announces: the same facts with its schemas as JSON Schema 2020-12.
 *
 * @throws TypeError if a schema cannot be said in JSON Schema, with the job's name and the schema library's reason.
 */
export function describeJob(definition: AnyJobDefinition): JobType {
  const { name, version, queue, description, retry, timeoutMs, priority, isolation, history, redact } = definition
  const { input, output } = definition
  return {
    name,
    version,
    queue,
    description,
    inputSchema: toJsonSchema(name, 'input', input),
    ...(output && { outputSchema: toJsonSchema(name, 'output', output) }),
    retry,
    timeoutMs,
    priority,
    isolation,
    history,
    redact,
  }
}

function toJsonSchema(job: string, side: 'input' | 'output', schema: JobSchema): Record<string, unknown> {
  const convert = schema['~standard'].jsonSchema?.[side]
  if (!convert) {
    throw new TypeError(
      `job "${job}": its ${side} schema (${schema['~standard'].vendor}) cannot describe itself as JSON Schema; ` +
        'use Zod 4.2 or later, or another library with Standard JSON Schema',
    )
  }
  try {
    return convert({ target: 'draft-2020-12' })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new TypeError(`job "${job}": its ${side} cannot be said in JSON Schema: ${reason}`, { cause })
  }
}
