import type { AppControllerRoute, BullBoardRequest, ControllerHandlerReturnType } from '@bull-board/api/typings/app'
import { FoliotError } from '@foliot/jobs'
import type { BoardVisit } from './board-visit.ts'
import { refuse } from './refusal.ts'

export type BoardHandler = (visit: BoardVisit, request: BullBoardRequest) => Promise<ControllerHandlerReturnType>

/** Calls of the board that we answer ourselves, by path. */
export const OUR_HANDLERS: Readonly<Record<string, BoardHandler>> = {
  '/api/queues/:queueName/retry/:queueStatus': retryAll,
  '/api/queues/:queueName/:jobId/flow': noFlow,
}

/** One operation instead of a move for each job: it takes the dead letters that there are now. */
async function retryAll(visit: BoardVisit, request: BullBoardRequest): Promise<ControllerHandlerReturnType> {
  const { queueName: queue, queueStatus } = request.params as { queueName: string; queueStatus: string }
  if (queueStatus !== 'failed') refuse(`retry jobs that are ${queueStatus}`)
  await visit.assertQueue(queue)
  const { moved, matched } = await visit.act('redrive all', { queue }, async () => {
    const operation = await visit.redrive({ queues: [queue] })
    visit.audit.target.id = operation.id
    visit.audit.after = { state: operation.state, moved: operation.moved }
    if (operation.state === 'completed') return operation
    const then = operation.error ?? `the operation ${operation.id} is ${operation.state}`
    throw new FoliotError('unavailable', `${operation.moved} jobs were redriven, then: ${then}`)
  })
  return { status: 200, body: { retried: moved, skipped: matched - moved } }
}

/** There are no flows to show. */
async function noFlow(_visit: BoardVisit, request: BullBoardRequest): Promise<ControllerHandlerReturnType> {
  const { jobId } = request.params as { jobId: string }
  return { status: 200, body: { nodeId: jobId, isFlowNode: false, flowRoot: null } }
}

/** For every call that would change something in a way that is not ours. */
export const refusal =
  ({ spec }: AppControllerRoute): BoardHandler =>
  async () =>
    refuse(spec.summary.charAt(0).toLowerCase() + spec.summary.slice(1).replace(/\.$/, ''))
