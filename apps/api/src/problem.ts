import { ERRORS, type ErrorCode, type FieldError, FoliotError, type Problem } from '@foliot/jobs'
import { isRedisTrouble, type RedisRefusal, refusalOf } from '@foliot/queue'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'

/** How long a caller should wait before it tries again when nothing better is known. */
const RETRY_AFTER_SECONDS = 1

/** The one place where an error becomes an answer. What it does not know is a mistake of ours, and is logged. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const foliot = beginErrorAnswer(error, request, reply)
  reply.type('application/problem+json').send(toProblem(foliot))
}

/** Sets what every answer to this error has, whatever its body looks like. */
export function beginErrorAnswer(error: unknown, request: FastifyRequest, reply: FastifyReply): FoliotError {
  const foliot = toFoliotError(error)
  if (foliot.code === 'internal') request.log.error({ err: error }, 'a request failed for a reason that nobody foresaw')
  const retryAfter = retryAfterOf(foliot)
  if (retryAfter !== undefined) reply.header('retry-after', retryAfter)
  if (foliot.status === 401) reply.header('www-authenticate', 'Bearer')
  // Fastify closes the connection under a caller who is still sending, and who then sees that and no answer. What
  // comes is read and dropped instead.
  if (foliot.code === 'payload_too_large') reply.removeHeader('connection')
  reply.code(foliot.status)
  return foliot
}

/** In how many seconds the same request may succeed; undefined if no time would help. */
export const retryAfterOf = ({ status, retryAfterSeconds }: FoliotError): number | undefined =>
  retryAfterSeconds ?? (status === 429 || status === 503 ? RETRY_AFTER_SECONDS : undefined)

export function toProblem(error: FoliotError): Problem {
  return {
    type: `urn:foliot:error:${error.code}`,
    title: ERRORS[error.code].title,
    status: error.status,
    code: error.code,
    detail: error.message,
    ...(error.hint !== undefined && { hint: error.hint }),
    ...(error.errors && { errors: [...error.errors] }),
  }
}

/** Fastify's own errors that mean something to a caller. */
const FASTIFY_CODES: Record<string, { code: ErrorCode; hint?: string }> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: {
    code: 'unsupported_media_type',
    hint: 'send JSON with `Content-Type: application/json`',
  },
  FST_ERR_CTP_BODY_TOO_LARGE: { code: 'payload_too_large', hint: 'a request may be 1 MiB, a batch 8 MiB' },
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: { code: 'validation_failed' },
}

export function toFoliotError(error: unknown): FoliotError {
  if (error instanceof FoliotError) return error
  const refusal = refusalOf(error)
  if (refusal) return refused(refusal, error)
  if (isRedisTrouble(error)) {
    return new FoliotError(
      'unavailable',
      'Redis does not answer as it should; whether it did what was asked is not known',
      {
        cause: error,
        hint: 'try again; give an idempotency key so that a repeated request makes no second job',
      },
    )
  }
  const { code = '', statusCode, message } = error as FastifyError
  const known = FASTIFY_CODES[code]
  if (known) return new FoliotError(known.code, message, known.hint === undefined ? {} : { hint: known.hint })
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500)
    return new FoliotError('validation_failed', message)
  return new FoliotError('internal', 'something went wrong here, not in your request', {
    cause: error,
    hint: 'the log of the api has the details',
  })
}

/** A command or script that Redis refuses it does not begin: what was asked for has not happened, not even in part. */
const refused = ({ state, mend }: RedisRefusal, cause: unknown): FoliotError =>
  new FoliotError('unavailable', `${state} and refused this: nothing was stored`, {
    cause,
    hint: `try again later. ${mend}`,
  })

/** An answer tells so many problems of a request at most: one wrong item may stand in a list of thousands. */
const TOLD_ERRORS = 20

/** A request that breaks its schema. The first problem is told in `detail`, twenty in `errors`. */
export function invalid(what: string, errors: FieldError[]): FoliotError {
  const [first] = errors
  const detail = first ? [what, first.path, first.message].filter((part) => part !== '').join(': ') : what
  return new FoliotError('validation_failed', detail, {
    errors: errors.slice(0, TOLD_ERRORS),
    ...(errors.length > TOLD_ERRORS && {
      hint: `there are ${errors.length} problems; the first ${TOLD_ERRORS} are told`,
    }),
  })
}
