import { type AuditBegin, type AuditTarget, type ErrorCode, newJobId } from '@foliot/jobs'
import { traceContextOf } from '@foliot/telemetry'
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { readReason, reasonHeader } from '../move-reason.ts'
import { toFoliotError } from '../problem.ts'
import type { AuditLog } from './audit-log.ts'
import { type AuditNotes, cutToFit } from './audit-notes.ts'

/** What the audit says of the requests to a route. */
export interface AuditOfRoute {
  /** `<kind of target>.<verb>` */
  action: string
  /** What is changed. Default: the kind that the action names, and the parameter `id` or `name` of the path. */
  target?: (request: FastifyRequest) => Partial<AuditTarget>
  /** What is asked for beyond that: no secrets. Default: nothing. */
  asked?: (request: FastifyRequest) => unknown
  /** Why, where requests cannot say it. Default: as `X-Reason` says. */
  reason?: string
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /**
     * What the audit calls that which is done here, such as `job.cancel`; false if nothing is done by hand, as when a job is
     * enqueued. A route that may change something and does not say is refused at start.
     */
    audit?: AuditOfRoute | string | false
  }
  interface FastifyInstance {
    /** The same for routes of this instance that may change something and do not say it, such as those of a plugin. */
    auditOfRoutes: ((route: RouteOptions) => AuditOfRoute | false) | undefined
  }
  interface FastifyRequest {
    /** What its handler adds to the audit. Only there if the route is audited. */
    audit: AuditNotes
  }
}

/** In characters. */
const HEADER_MAX = 256

/**
 * Has every change by hand written down before it is made, and its outcome before it is answered. A change that cannot be
 * written down is refused. Has to be called after `guardRoutes`, which knows who asks, and before the first route.
 */
export function auditChanges(app: FastifyInstance, audit: AuditLog): void {
  app.decorateRequest('audit', null as unknown as AuditNotes)
  app.decorate('auditOfRoutes', undefined)
  app.addHook('onRoute', function (route) {
    const said = route.config?.audit ?? (mayChange(route) ? this.auditOfRoutes?.(route) : false)
    if (said === undefined) {
      throw new Error(
        `route ${String(route.method)} ${route.url} may change something and does not say what the audit calls it: ` +
          "expected `config.audit`, like 'job.cancel', or false if nothing is done by hand",
      )
    }
    if (!said) return
    watch(route, typeof said === 'string' ? { action: said } : said, audit)
  })
}

const mayChange = ({ method }: RouteOptions): boolean =>
  [method].flat().some((one) => !['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(one.toUpperCase()))

/** Refused before the handler was reached. */
const refusedEarly = new WeakMap<FastifyRequest, ErrorCode>()

function watch(route: RouteOptions, of: AuditOfRoute, audit: AuditLog): void {
  // Pages and calls of the board have no schema.
  if (route.schema && !route.schema.hide) route.schema = { headers: reasonHeader, ...route.schema }

  const begin = async (request: FastifyRequest): Promise<void> => {
    request.audit = await audit.begin(beginOf(request, of, readReason(request)))
  }
  const note = async (request: FastifyRequest, _reply: FastifyReply, error: Error): Promise<void> => {
    const { code } = toFoliotError(error)
    if (request.audit) request.audit.code = code
    else if (code === 'forbidden') refusedEarly.set(request, code)
  }
  const end = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const code = refusedEarly.get(request)
    if (request.audit) await audit.end(request.audit, reply.statusCode)
    else if (code !== undefined && request.caller) {
      const refused = beginOf(request, of, reasonIfValid(request))
      await audit.refuse(refused, { status: reply.statusCode, code })
    }
  }

  route.preHandler = [...[route.preHandler ?? []].flat(), begin] as never
  route.onError = [...[route.onError ?? []].flat(), note] as never
  route.onSend = [...[route.onSend ?? []].flat(), end] as never
}

/** A request that is refused anyway is not answered for its reason. */
function reasonIfValid(request: FastifyRequest): string | undefined {
  try {
    return readReason(request)
  } catch {
    return undefined
  }
}

function beginOf(request: FastifyRequest, of: AuditOfRoute, reason = of.reason): AuditBegin {
  const { caller, headers, ip } = request
  const { id = null, name = id } = (request.params ?? {}) as Record<string, string | null>
  const kind = of.action.slice(0, of.action.indexOf('.'))
  const [, traceId = ''] = traceContextOf(headers).split('-')
  return {
    id: newJobId(Date.now()),
    actor: { id: caller.id, name: caller.name, tenant: caller.tenant ?? null },
    ip,
    forwardedFor: beginningOf(headers['x-forwarded-for']),
    userAgent: beginningOf(headers['user-agent']),
    action: of.action,
    target: { kind, id: name, tenant: null, ...of.target?.(request) },
    asked: cutToFit(of.asked?.(request)),
    reason: reason ?? null,
    traceId,
  }
}

const beginningOf = (header: string | string[] | undefined): string | null =>
  header === undefined ? null : String(header).slice(0, HEADER_MAX)
