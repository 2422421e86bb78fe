import { pauseOperation, readOperation, readStoredOperation, resumeOperation } from '@foliot/queue'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { json } from '../wire/answer.ts'
import { Operation } from '../wire/operation.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'

const tags = ['dead letters']
const params = z.object({ id: z.string() })

export function operationRoutes(app: Api, { redis, operations }: ApiDeps): void {
  app.get(
    '/v1/operations/:id',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'readOperation',
        summary: 'Read a bulk operation',
        tags,
        params,
        response: { 200: json('How far it has come.', Operation), ...problems('not_found') },
      },
    },
    async ({ params: { id }, caller }) => readOperation(redis, id, caller.tenant),
  )

  const switches = {
    pause: {
      summary: 'Pause a bulk operation',
      description: 'Nothing more is moved once the answer is there. One that is paused stays so.',
      turn: pauseOperation,
    },
    resume: {
      summary: 'Let a paused bulk operation go on',
      description: 'It goes on from where it was, within seconds. One that is running stays so.',
      turn: resumeOperation,
    },
  }
  for (const [verb, { summary, description, turn }] of Object.entries(switches)) {
    app.post(
      `/v1/operations/:id/${verb}`,
      {
        config: { scope: 'operate', audit: `operation.${verb}` },
        schema: {
          operationId: `${verb}Operation`,
          summary,
          description,
          tags,
          params,
          response: {
            200: json('The operation as it is now.', Operation),
            ...problems(...BODY_PROBLEMS, 'not_found', 'illegal_transition'),
          },
        },
      },
      async ({ params: { id }, caller, audit }) => {
        const { state, request } = await readStoredOperation(redis, id, caller.tenant)
        audit.target.tenant = request.filter.tenant ?? null
        audit.before = { state }
        const operation = await turn(redis, id, caller.tenant)
        audit.after = { state: operation.state }
        void operations.look()
        return operation
      },
    )
  }
}
