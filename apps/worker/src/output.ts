import { type AnyJobDefinition, ERROR_KINDS, LIMITS, truncate, UnrecoverableError } from '@foliot/jobs'
import { describeProblems } from './schema-problems.ts'

/** A result that was checked where its handler ran, in another process: JSON text that is the output as it stands. */
export class OutputText {
  readonly json: string

  constructor(json: string) {
    this.json = json
  }
}

/**
 * A handler's result as JSON text, checked against the type's output schema.
 *
 * @throws UnrecoverableError `invalid_output` for what the schema refuses or JSON cannot say: a retry gives the same.
 */
export async function toOutput(value: unknown, definition: AnyJobDefinition): Promise<string> {
  if (value instanceof OutputText) return value.json
  if (!definition.output) return toJsonText(value, LIMITS.outputBytes)
  const result = await definition.output['~standard'].validate(value)
  if (!result.issues) return toJsonText(result.value, LIMITS.outputBytes)
  throw new UnrecoverableError(`the handler's result does not fit its schema: ${describeProblems(result.issues)}`, {
    kind: ERROR_KINDS.invalid_output,
  })
}

/**
 * JSON text of at most `maxBytes`. A larger value is replaced by `{truncated, bytes, preview}`. Undefined becomes null.
 *
 * @throws UnrecoverableError `invalid_output` for a cycle, a BigInt, or a function.
 */
export function toJsonText(value: unknown, maxBytes: number): string {
  const text = stringifyJson(value)
  if (text.length * 3 <= maxBytes) return text
  const bytes = Buffer.byteLength(text)
  if (bytes <= maxBytes) return text
  // The preview is a string within JSON: escaping may double it.
  const preview = truncate(text, Math.floor(maxBytes / 2) - 100)
  return JSON.stringify({ truncated: true, bytes, preview })
}

/**
 * JSON text. Undefined becomes null.
 *
 * @throws UnrecoverableError `invalid_output` for a cycle, a BigInt, or a function.
 */
export function stringifyJson(value: unknown): string {
  if (value === undefined) return 'null'
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new UnrecoverableError(`expected a value that JSON can say: ${reason}`, {
      cause,
      kind: ERROR_KINDS.invalid_output,
    })
  }
  if (text !== undefined) return text
  throw new UnrecoverableError(`expected a value that JSON can say, got a ${typeof value}`, {
    kind: ERROR_KINDS.invalid_output,
  })
}
