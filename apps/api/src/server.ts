import { httpMetrics } from '@foliot/telemetry'
import { fastify, LogController } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { guardRoutes } from './access/guard-routes.ts'
import type { Api, ApiDeps } from './api.ts'
import { auditChanges } from './audit/audit-changes.ts'
import { answerByOurselves, answerUnreadable, answerUnroutable } from './broken-requests.ts'
import { compileSerializer } from './job-answers.ts'
import { readJsonBodies } from './json-bodies.ts'
import { recogniseBy } from './login/recognise.ts'
import { Sessions } from './login/sessions.ts'
import { describeApi } from './openapi.ts'
import { pageRoutes } from './pages/page-routes.ts'
import { answerError } from './problem.ts'
import { apiKeyRoutes } from './routes/api-keys.ts'
import { auditRoutes } from './routes/audit.ts'
import { calendarEditRoutes } from './routes/calendar-edits.ts'
import { calendarRoutes } from './routes/calendars.ts'
import { deadLetterRoutes } from './routes/dead-letters.ts'
import { deletionRoutes } from './routes/deletions.ts'
import { enqueueRoutes } from './routes/enqueue.ts'
import { enqueueBatchRoutes } from './routes/enqueue-batch.ts'
import { errorRoutes } from './routes/errors.ts'
import { eventRoutes } from './routes/events.ts'
import { jobLogRoutes } from './routes/job-logs.ts'
import { jobTypeRoutes } from './routes/job-types.ts'
import { jobRoutes } from './routes/jobs.ts'
import { moveRoutes } from './routes/moves.ts'
import { operationRoutes } from './routes/operations.ts'
import { queueRoutes } from './routes/queues.ts'
import { scheduleEditRoutes } from './routes/schedule-edits.ts'
import { schedulePauseRoutes } from './routes/schedule-pauses.ts'
import { schedulePreviewRoutes } from './routes/schedule-preview.ts'
import { scheduleRunRoutes } from './routes/schedule-runs.ts'
import { scheduleRoutes } from './routes/schedules.ts'
import { statusRoutes } from './routes/status.ts'
import { tenantRoutes } from './routes/tenants.ts'
import { tickRoutes } from './routes/ticks.ts'
import { watchRoutes } from './routes/watch.ts'
import { workerRoutes } from './routes/workers.ts'
import { UnknownPaths } from './unknown-paths.ts'
import { refuseUnreadParts } from './unread-parts.ts'
import { compileValidator } from './validation.ts'

const BODY_BYTES = 1024 * 1024

/** Builds the whole REST API and the pages. It listens to nothing yet. */
export async function buildServer(deps: ApiDeps): Promise<Api> {
  const app = fastify({
    loggerInstance: deps.log,
    // A busy api answers thousands of requests a second; what goes wrong is logged where it happens.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: BODY_BYTES,
    // A caller who sends a request byte by byte keeps a connection no longer. Long polls are received by then.
    requestTimeout: 60_000,
    clientErrorHandler: answerUnreadable,
    frameworkErrors: answerUnroutable,
    http: { requireHostHeader: false },
    // At shutdown whoever is being served gets an answer; idle connections are closed.
    forceCloseConnections: 'idle',
    return503OnClosing: false,
    routerOptions: { maxParamLength: 256 },
  }).withTypeProvider<ZodTypeProvider>() as unknown as Api

  app.setValidatorCompiler(compileValidator)
  app.setSerializerCompiler(compileSerializer)
  app.setErrorHandler(answerError)
  readJsonBodies(app)
  answerByOurselves(app)
  const unknownPaths = new UnknownPaths(app)
  app.setNotFoundHandler((request, reply) => {
    throw unknownPaths.explain(request, reply)
  })
  countRequests(app, deps)
  refuseUnreadParts(app)
  const sessions = new Sessions(deps.access)
  guardRoutes(app, { ...deps, recognise: recogniseBy(sessions) })
  auditChanges(app, deps.audit)
  await describeApi(app)

  await app.register(async (scope) => {
    const api = scope as unknown as Api
    for (const routes of [
      enqueueRoutes,
      enqueueBatchRoutes,
      jobRoutes,
      jobLogRoutes,
      moveRoutes,
      deletionRoutes,
      queueRoutes,
      deadLetterRoutes,
      operationRoutes,
      scheduleRoutes,
      scheduleEditRoutes,
      schedulePauseRoutes,
      scheduleRunRoutes,
      schedulePreviewRoutes,
      tickRoutes,
      watchRoutes,
      calendarRoutes,
      calendarEditRoutes,
      errorRoutes,
      auditRoutes,
      eventRoutes,
      jobTypeRoutes,
      workerRoutes,
      apiKeyRoutes,
      tenantRoutes,
      statusRoutes,
    ]) {
      routes(api, deps)
    }
  })
  await pageRoutes(app, deps, sessions)
  return app
}

function countRequests(app: Api, { metrics }: ApiDeps): void {
  const http = httpMetrics(metrics.meter)
  app.addHook('onResponse', (request, reply, done) => {
    // The route's pattern, not the path: a path holds ids, and would make a series of each.
    const route = request.routeOptions.url ?? 'unknown'
    http.request(request.method, route, reply.statusCode, reply.elapsedTime / 1000)
    done()
  })
}
