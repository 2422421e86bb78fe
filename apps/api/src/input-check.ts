import { FoliotError, type JobType, LIMITS } from '@foliot/jobs'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { invalid } from './problem.ts'

/** Deeper values overflow the stack of whoever writes them as JSON. */
const MAX_DEPTH = 500

/** Checks inputs against the schemas that workers announced. A schema is compiled once, when its type is first used. */
export class InputCheck {
  // Schemas come from many libraries: what Ajv does not know in one is no reason to refuse jobs.
  readonly #ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true, logger: false }))
  readonly #compiled = new WeakMap<JobType, ValidateFunction>()

  /**
   * The input as JSON text.
   *
   * @throws FoliotError `payload_too_large`, or `validation_failed` with each place that does not fit.
   */
  check(type: JobType, input: unknown): string {
    const text = toText(input)
    const bytes = text.length * 3 <= LIMITS.inputBytes ? 0 : Buffer.byteLength(text)
    if (bytes > LIMITS.inputBytes) {
      throw new FoliotError(
        'payload_too_large',
        `expected an input of at most ${LIMITS.inputBytes} bytes, got ${bytes}`,
        {
          hint: 'store the data elsewhere and send where it is',
        },
      )
    }
    const validate = this.#validatorOf(type)
    if (!validate(input))
      throw invalid(`the input of ${type.name} does not fit its schema`, fieldErrors(validate.errors))
    return text
  }

  #validatorOf(type: JobType): ValidateFunction {
    let validate = this.#compiled.get(type)
    if (!validate) {
      validate = this.#ajv.compile(type.inputSchema)
      this.#compiled.set(type, validate)
    }
    return validate
  }
}

function toText(input: unknown): string {
  try {
    const text = JSON.stringify(input)
    if (text.length < 2 * MAX_DEPTH || depthOf(text) <= MAX_DEPTH) return text
  } catch (error) {
    // JSON.stringify itself ran out of stack.
    if (!(error instanceof RangeError)) throw error
  }
  throw invalid('the input cannot be stored', [
    { path: '/input', message: `expected at most ${MAX_DEPTH} levels of nesting` },
  ])
}

/** How deep JSON text nests. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (quoted) {
      if (c === '\\') i++
      else if (c === '"') quoted = false
    } else if (c === '"') quoted = true
    else if (c === '{' || c === '[') deepest = Math.max(deepest, ++depth)
    else if (c === '}' || c === ']') depth--
  }
  return deepest
}

const fieldErrors = (errors: ErrorObject[] | null | undefined) =>
  (errors ?? []).map(({ instancePath, message, params }) => ({
    path: `/input${instancePath}`,
    message: `${message ?? 'does not fit'}${'additionalProperty' in params ? `: ${params.additionalProperty}` : ''}`,
  }))
