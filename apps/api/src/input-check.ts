import type { JobType } from '@foliot/jobs'
import type { Logger } from '@foliot/telemetry'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { assertStorable } from './input-text.ts'
import { invalid } from './problem.ts'

/** Checks inputs against the schemas that workers announced. A schema is compiled once, when its type is first used. */
export class InputCheck {
  readonly #compiled = new WeakMap<JobType, ValidateFunction>()
  readonly #log: Pick<Logger, 'warn'>

  constructor(log: Pick<Logger, 'warn'>) {
    this.#log = log
  }

  /**
   * @param text `input` as JSON
   * @throws FoliotError `payload_too_large`, or `validation_failed` with each place that does not fit.
   */
  check(type: JobType, input: unknown, text: string): void {
    assertStorable(input, text)
    const validate = this.#validatorOf(type)
    if (!validate(input))
      throw invalid(`the input of ${type.name} does not fit its schema`, fieldErrors(validate.errors))
  }

  #validatorOf(type: JobType): ValidateFunction {
    let validate = this.#compiled.get(type)
    if (!validate) {
      validate = this.#compile(type)
      this.#compiled.set(type, validate)
    }
    return validate
  }

  /** A schema that cannot be used here is left to the worker, which checks every input again. */
  #compile({ name, inputSchema }: JobType): ValidateFunction {
    try {
      return newAjv().compile(inputSchema)
    } catch (err) {
      this.#log.warn({ err, jobType: name }, `the input schema of ${name} cannot be used: its workers check alone`)
      return newAjv().compile(true)
    }
  }
}

/**
 * Schemas come from many libraries: what Ajv does not know in one is no reason to refuse jobs. One Ajv each, because it
 * never forgets a schema and takes no second one with the same `$id`, as two versions of a type may have.
 */
const newAjv = () =>
  addFormats.default(new Ajv2020({ strict: false, allErrors: true, logger: false, validateSchema: false }))

const fieldErrors = (errors: ErrorObject[] | null | undefined) =>
  (errors ?? []).map(({ instancePath, message, params }) => ({
    path: `/input${instancePath}`,
    message: `${message ?? 'does not fit'}${'additionalProperty' in params ? `: ${params.additionalProperty}` : ''}`,
  }))
