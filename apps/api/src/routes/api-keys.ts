import { type ApiKey, DEFAULT_TENANT, digestOf, newSecret } from '@foliot/access'
import { type ApiKeyRecord, assertEndsBy, shownKey } from '@foliot/history'
import { FoliotError, isJobId } from '@foliot/jobs'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import type { Api, ApiDeps } from '../api.ts'
import { readCursor, writeCursor } from '../list-cursor.ts'
import { invalid } from '../problem.ts'
import { json } from '../wire/answer.ts'
import * as wire from '../wire/api-key.ts'
import { BODY_PROBLEMS, problems } from '../wire/problem.ts'

const tags = ['access']
const params = z.object({ id: z.string() })

/** A key of one tenant manages the keys of that tenant alone, and others are none for it. */
export function apiKeyRoutes(app: Api, { accessStore }: ApiDeps): void {
  app.get(
    '/v1/api-keys',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'listApiKeys',
        summary: 'List API keys',
        description:
          'Those of the store, the newest first, also revoked and expired ones. Keys of FOLIOT_API_KEYS are in none.',
        tags,
        querystring: wire.ListApiKeys,
        response: { 200: json('One page.', wire.ApiKeyList), ...problems() },
      },
    },
    async ({ query, caller }) => {
      const after = readCursor(query)
      const owner = caller.tenant ?? query.tenant
      // Of other tenants it sees none, and is told nothing of them.
      if (query.tenant !== undefined && query.tenant !== owner) return { items: [], nextCursor: null }
      const from = after && { createdAt: after.at, id: after.id }
      const { keys, more } = await accessStore.listKeys(owner, query.limit, from)
      const last = keys.at(-1)
      const next = more && last ? { at: last.createdAt, id: last.id } : undefined
      return { items: keys.map(shownKey), nextCursor: writeCursor(query, next) }
    },
  )

  app.post(
    '/v1/api-keys',
    {
      config: { scope: 'admin', audit: { action: 'api_key.create', asked: ({ body }) => body } },
      schema: {
        operationId: 'createApiKey',
        summary: 'Make an API key',
        description:
          'A key that expires makes none that lasts longer. So many keys count at a time: 1000 of a tenant, 10 000 of all tenants. ' +
          'There is no `Idempotency-Key` here: look at the list before you send a request again.',
        tags,
        body: wire.CreateApiKey,
        response: {
          201: json('The key. Its secret is shown this once.', wire.NewKey),
          ...problems(...BODY_PROBLEMS, 'conflict'),
        },
      },
    },
    async ({ body, headers, caller, audit }, reply) => {
      if (headers['idempotency-key'] !== undefined) {
        throw invalid('a key is made by each request', [
          { path: '', message: 'expected no header `Idempotency-Key`, which is not heeded here, got one' },
        ])
      }
      const tenant = tenantFor(body.tenant, caller)
      const expiresAt = toExpiry(body.expiresAt ?? null)
      assertEndsBy(expiresAt, caller.expiresAt ?? null)
      const secret = newSecret()
      const scopes = [...new Set(body.scopes)]
      const made = { name: body.name, digest: digestOf(secret), tenant, scopes, createdBy: caller.name, expiresAt }
      const key = await accessStore.createKey(made)
      Object.assign(audit.target, { id: key.id, tenant: key.tenant })
      audit.after = noteOf(key)
      return sendNew(reply, key, secret)
    },
  )

  app.get(
    '/v1/api-keys/:id',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'readApiKey',
        summary: 'Read an API key',
        tags,
        params,
        response: { 200: json('The key, without its secret.', wire.ApiKey), ...problems('not_found') },
      },
    },
    async ({ params: { id }, caller }) =>
      shownKey(found(id, isJobId(id) && (await accessStore.readKey(id, caller.tenant)))),
  )

  app.delete(
    '/v1/api-keys/:id',
    {
      config: { scope: 'admin', audit: 'api_key.revoke' },
      schema: {
        operationId: 'revokeApiKey',
        summary: 'Revoke an API key',
        description:
          'Within seconds it counts nowhere, and streams that were opened with it end. One that is revoked stays so.',
        tags,
        params,
        response: { 204: z.void().describe('It counts no more.'), ...problems(...BODY_PROBLEMS, 'not_found') },
      },
    },
    async ({ params: { id }, caller, audit }, reply) => {
      const { key, before } = found(id, isJobId(id) && (await accessStore.revokeKey(id, caller.tenant)))
      audit.target.tenant = key.tenant
      audit.before = endOf(before)
      audit.after = noteOf(key)
      reply.code(204)
    },
  )

  app.post(
    '/v1/api-keys/:id/rotate',
    {
      config: { scope: 'admin', audit: { action: 'api_key.rotate', asked: ({ body }) => body } },
      schema: {
        operationId: 'rotateApiKey',
        summary: 'Replace an API key by a new one',
        description:
          'The new key may do the same. The old one goes on for the overlap, and then expires. If it was to expire before, the ' +
          'new one lasts as long as the old one was to last. A key that expires makes none that lasts longer.',
        tags,
        params,
        body: wire.RotateApiKey.nullish(),
        response: {
          201: json('The new key. Its secret is shown this once.', wire.NewKey),
          ...problems(...BODY_PROBLEMS, 'not_found', 'conflict', 'illegal_transition'),
        },
      },
    },
    async ({ params: { id }, body, caller, audit }, reply) => {
      const secret = newSecret()
      const { overlapMs } = body ?? wire.RotateApiKey.parse({})
      const rotation = {
        digest: digestOf(secret),
        createdBy: caller.name,
        overlapMs,
        notAfter: caller.expiresAt ?? null,
      }
      const { key: next, before } = found(id, isJobId(id) && (await accessStore.rotateKey(id, caller.tenant, rotation)))
      audit.target.tenant = next.tenant
      audit.before = endOf(before)
      audit.after = noteOf(next)
      return sendNew(reply, next, secret)
    },
  )
}

/** A key as the audit tells of it. */
function noteOf(key: ApiKeyRecord) {
  const { id, name, tenant, scopes } = key
  return { id, name, tenant, scopes, ...endOf(key) }
}

/** The same of a key before it was ended: all else stays as it was. */
function endOf(key: ApiKeyRecord) {
  const { expiresAt, revokedAt } = shownKey(key)
  return { expiresAt, revokedAt }
}

/** Whose a new key is. @throws FoliotError `forbidden` */
function tenantFor(asked: string | null | undefined, { tenant: own }: ApiKey): string | null {
  if (asked === undefined) return own ?? DEFAULT_TENANT
  if (own === undefined || asked === own) return asked
  const what = asked === null ? 'one of all tenants' : `one of ${asked}`
  throw new FoliotError('forbidden', `expected a key of ${own}, as the caller's is, got ${what}`, {
    hint: 'leave `tenant` out, or ask with a key of all tenants',
  })
}

function toExpiry(text: string | null): number | null {
  if (text === null) return null
  const at = Date.parse(text)
  if (at > Date.now()) return at
  const message = `expected a time to come, got ${text}`
  throw invalid('the body is not as expected', [{ path: '/expiresAt', message }])
}

/** @throws FoliotError `not_found` */
function found<T>(id: string, key: T | undefined | false): T {
  if (key) return key
  throw new FoliotError('not_found', `there is no API key ${JSON.stringify(id.slice(0, 64))}`, {
    hint: 'GET /v1/api-keys lists them',
  })
}

function sendNew(reply: FastifyReply, made: ApiKeyRecord, secret: string) {
  reply.code(201).headers({ location: `/v1/api-keys/${made.id}`, 'cache-control': 'no-store' })
  return { ...shownKey(made), key: secret }
}
