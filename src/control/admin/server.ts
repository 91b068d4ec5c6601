import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { Form } from '../../telemetry/exposition.ts'
import { metricsForm } from './accept.ts'
import { BadCommand, type Call, type Command, CommandRefused } from './command.ts'
import type { Admitted, Guard, GuardRefusal } from './guard.ts'
import { liveness, type ProbeAnswer, type ProbeFacts, readiness, startup } from './probes.ts'
import type { Role } from './tokens.ts'

const BODY_BYTES = 65_536
/** A config of the largest size, as text in JSON. */
const UPLOAD_BYTES = 2 * 16 * 1_048_576
const REQUEST_MS = 10_000
const KEEP_ALIVE_MS = 15_000
const CONNECTIONS = 256

const SAFE_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const

export interface Exposition {
  readonly contentType: string
  readonly body: string | Buffer
}

/** What both servers show. */
export interface Shown {
  readonly facts: () => ProbeFacts
  readonly metrics: (form: Form) => Promise<Exposition>
}

export interface AdminOptions extends Shown {
  readonly guard: Pick<Guard, 'check'>
  /** What viewers may read, by path below /api/v1. */
  readonly views: Readonly<Record<string, () => unknown>>
  /** What viewers may ask, with a body, by path below /api/v1. */
  readonly questions: Readonly<Record<string, Command>>
  /** Commands by path below /api/v1, for role operator. */
  readonly commands: Readonly<Record<string, Command>>
  /** Those whose body may be as large as a config. */
  readonly uploads: Readonly<Record<string, Command>>
  /** Who did what; `token`: its name. */
  readonly audit: (path: string, token: string) => void
  readonly bug: (error: unknown) => void
}

/** Only probes and metrics, for the network that the orchestrator asks from: no guard, nothing that needs one. */
export function probeServer(shown: Shown): FastifyInstance {
  const app = create(() => {})
  addProbes(app, shown)
  addMetrics(app, shown)
  return app
}

/** Dashboard-to-be, API, probes and metrics, all behind the guard. */
export function adminServer(options: AdminOptions): FastifyInstance {
  const { guard, views, questions, commands, uploads, audit, bug } = options
  const app = create(bug)
  const callers = new WeakMap<FastifyRequest, Admitted>()
  app.addHook('onRequest', async (request, reply) => {
    const { needs = 'viewer', asks = false } = request.routeOptions.config as {
      needs?: Role | 'nothing'
      asks?: boolean
    }
    const verdict = guard.check({ ...guarded(request), asks }, needs === 'nothing' ? undefined : needs)
    if ('error' in verdict) return refuse(reply, verdict)
    callers.set(request, verdict)
    return undefined
  })
  addProbes(app, options)
  addMetrics(app, options)
  for (const [path, view] of Object.entries(views)) app.get(`/api/v1/${path}`, () => view())
  for (const [path, question] of Object.entries(questions)) {
    app.post(`/api/v1/${path}`, { config: { asks: true } }, (request) => question(request.body, callOf(request)))
  }
  const addCommands = (list: Readonly<Record<string, Command>>, bodyLimit: number): void => {
    for (const [path, command] of Object.entries(list)) {
      app.post(`/api/v1/${path}`, { config: { needs: 'operator' }, bodyLimit }, async (request) => {
        audit(path, callers.get(request)?.name ?? '')
        return command(request.body, callOf(request))
      })
    }
  }
  addCommands(commands, BODY_BYTES)
  addCommands(uploads, UPLOAD_BYTES)
  return app
}

function create(bug: (error: unknown) => void): FastifyInstance {
  const app = Fastify({
    bodyLimit: BODY_BYTES,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    return503OnClosing: false,
    // Node looks for slow requests only every 30 s otherwise.
    http: { headersTimeout: REQUEST_MS, connectionsCheckingInterval: 1_000 },
  })
  app.server.maxConnections = CONNECTIONS
  app.removeContentTypeParser('text/plain')
  app.addHook('onSend', async (_request, reply) => {
    reply.headers(SAFE_HEADERS)
  })
  app.setNotFoundHandler((_request, reply) => reply.code(404).send({ error: 'not_found', message: 'no such page' }))
  app.setErrorHandler((error: Error & { statusCode?: number }, _request, reply) => {
    if (error instanceof CommandRefused)
      return reply.code(error.status).send({ error: 'refused', message: error.message, ...error.details })
    const status = error instanceof BadCommand ? 400 : (error.statusCode ?? 500)
    if (status < 500) return reply.code(status).send({ error: 'bad_request', message: error.message })
    bug(error)
    return reply.code(500).send({ error: 'internal', message: 'an error inside the gateway' })
  })
  return app
}

function callOf({ headers, query }: FastifyRequest): Call {
  const { dryRun } = query as { readonly dryRun?: string }
  return { dryRun: dryRun === 'true', ifMatch: headers['if-match']?.replace(/^(?:W\/)?"(.*)"$/, '$1') }
}

function addProbes(app: FastifyInstance, { facts }: Shown): void {
  const probes = { livez: liveness, readyz: readiness, startupz: startup } as const
  for (const [name, judge] of Object.entries(probes)) {
    app.get(`/${name}`, { config: { needs: 'nothing' } }, (_request, reply) => show(reply, judge(facts())))
  }
}

function addMetrics(app: FastifyInstance, { metrics }: Shown): void {
  // Scrapes at the same time share one exposition.
  const running = new Map<Form, Promise<Exposition>>()
  app.get('/metrics', async (request, reply) => {
    const form = metricsForm(request.headers.accept)
    let exposition = running.get(form)
    if (exposition === undefined) {
      exposition = metrics(form).finally(() => running.delete(form))
      running.set(form, exposition)
    }
    const { contentType, body } = await exposition
    return reply.header('vary', 'accept').type(contentType).send(body)
  })
}

function show(reply: FastifyReply, { ok, reasons, notes }: ProbeAnswer): FastifyReply {
  return reply.code(ok ? 200 : 503).send({ status: ok ? 'ok' : 'unavailable', reasons, notes })
}

function refuse(reply: FastifyReply, { status, error, message }: GuardRefusal): FastifyReply {
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  return reply.code(status).send({ error, message })
}

function guarded(request: FastifyRequest) {
  const { headers, method, raw } = request
  const hosts: string[] = []
  for (let i = 0; i < raw.rawHeaders.length; i += 2) {
    if (raw.rawHeaders[i]?.toLowerCase() === 'host') hosts.push(raw.rawHeaders[i + 1] as string)
  }
  return {
    method,
    hosts,
    origin: headers.origin,
    fetchSite: headers['sec-fetch-site'] as string | undefined,
    authorization: headers.authorization,
    contentType: headers['content-type'],
    peer: raw.socket.remoteAddress ?? '',
  }
}
