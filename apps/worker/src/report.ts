import type { Claim, Settlement } from '@foliot/queue'
import { failActiveSpan, type JobMetrics, type Logger, traceBindings } from '@foliot/telemetry'

/**
 * Counts how an attempt ended and logs it: failures always, the rest only at level `debug`, because a busy worker ends
 * thousands a second.
 */
export function report(claim: Claim, settlement: Settlement, metrics: JobMetrics, log: Logger): void {
  const { queue, type } = claim
  const seconds = (Date.now() - claim.startedAt) / 1000
  const fields = () => ({
    jobId: claim.id,
    jobType: type,
    attempt: claim.attempt,
    tenant: claim.envelope.tenant,
    ...traceBindings(claim.envelope.traceparent.slice(3, 35)),
  })
  switch (settlement.kind) {
    case 'succeeded':
    case 'cancelled':
      metrics.finished(queue, type, settlement.kind, seconds)
      if (log.isLevelEnabled('debug')) log.debug(fields(), settlement.kind)
      break
    case 'dead':
      metrics.finished(queue, type, settlement.status, seconds)
      failActiveSpan(settlement.failure)
      log.error({ ...fields(), failure: settlement.failure }, `${settlement.status}: ${settlement.reason}`)
      break
    case 'retry':
      metrics.retried(queue, type)
      failActiveSpan(settlement.failure)
      log.warn({ ...fields(), failure: withoutStack(settlement.failure) }, settlement.reason)
      break
    case 'snoozed':
    case 'handed_back':
      log.info(fields(), `${settlement.kind}: ${settlement.reason}`)
      break
  }
}

const withoutStack = ({ name, message, kind }: { name: string; message: string; kind: string }) => ({
  name,
  message,
  kind,
})
