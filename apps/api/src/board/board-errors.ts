import type { FastifyReply, FastifyRequest } from 'fastify'
import { beginErrorAnswer, toProblem } from '../problem.ts'

/** A problem as everywhere, with the two fields that the board shows to its user. */
export function answerBoardError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = toProblem(beginErrorAnswer(error, request, reply))
  const advice = problem.status === 401 ? 'reload this page to log in again' : problem.hint
  reply.type('application/problem+json').send({ ...problem, error: problem.detail, message: advice })
}
