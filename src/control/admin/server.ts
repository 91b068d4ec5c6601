import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../../lib/clock.ts'
import type { Form } from '../seeing/metrics/exposition.ts'
import { BODY_BYTES, createApp, fail, SAFE_HEADERS } from './app.ts'
import { type CallOptions, type Command, type ReadCall, readCall, readNothing, type View } from './command.ts'
import type { DescribedRoute, Role, Takes } from './contract.ts'
import type { DashboardFile } from './dashboard/files.ts'
import { EventStreams, type Feed } from './event-stream.ts'
import type { AdminGuard, Admitted, GuardRefusal } from './guard.ts'
import { metricsForm } from './metrics-form.ts'
import { openApi } from './openapi/document.ts'
import { liveness, type ProbeAnswer, type ProbeFacts, readiness, startup } from './probes.ts'

const API = '/api/v1/'
/** A config of the largest size, as text in JSON. */
const UPLOAD_BYTES = 2 * 16 * 1_048_576

export interface Exposition {
  readonly contentType: string
  readonly body: string | Buffer
}

/** What both servers show. */
export interface ServerSources {
  readonly facts: () => ProbeFacts
  readonly metrics: (form: Form) => Promise<Exposition>
}

/** A command on its way, as it is recorded. */
export interface CommandCall {
  /** Below /api/v1. */
  readonly path: string
  readonly who: Admitted
  /** Address of the other end of the connection. */
  readonly peer: string
  readonly body: unknown
  readonly dryRun: boolean
}

/** Sees every command. */
export interface Auditor {
  /** Carries it out and records what became of it; rejects as `command` does, or where it may not be done unrecorded. */
  run(call: CommandCall, command: () => Promise<unknown>): Promise<unknown>
  /** The role was too small for it. */
  refused(call: Omit<CommandCall, 'body'>): Promise<void>
}

export interface AdminOptions extends ServerSources {
  readonly guard: Pick<AdminGuard, 'check'>
  /** What viewers may read, by path below /api/v1; `:name` stands for a segment. */
  readonly views: Readonly<Record<string, View>>
  /** What operators may read. */
  readonly operatorViews: Readonly<Record<string, View>>
  /** What is told as it happens (server-sent events), by path below /api/v1. */
  readonly feeds: Readonly<Record<string, Feed>>
  readonly clock: Clock
  /** What viewers may ask, with a body, by path below /api/v1. */
  readonly questions: Readonly<Record<string, Command>>
  /** Commands by path below /api/v1, for role operator. */
  readonly commands: Readonly<Record<string, Command>>
  /** Those whose body may be as large as a config. */
  readonly uploads: Readonly<Record<string, Command>>
  readonly auditor: Auditor
  /** Of the dashboard, by path below /dashboard/; they hold nothing that takes a token. */
  readonly dashboard: ReadonlyMap<string, DashboardFile>
  readonly bug: (error: unknown) => void
}

/** What the guard and the description have to know of a route. */
interface RouteFacts {
  readonly needs?: Role | 'nothing'
  /** A question with a body. */
  readonly asks?: boolean
  /** A page, which others may link to; it is no part of the API. */
  readonly linked?: boolean
  /** The path of a command. */
  readonly command?: string
  readonly takes?: Takes | undefined
}

/** Only probes and metrics, for the network that the orchestrator asks from: no guard, nothing that needs one. */
export function probeServer(shown: ServerSources): FastifyInstance {
  const { app } = createApp(() => {})
  addProbes(app, shown)
  addMetrics(app, shown)
  return app
}

/** Dashboard, API, probes and metrics, all behind the guard. */
export function adminServer(options: AdminOptions): FastifyInstance {
  const { guard, views, operatorViews, feeds, clock, questions, commands, uploads, dashboard, auditor, bug } = options
  const { app, connections } = createApp(bug)
  const callers = new WeakMap<FastifyRequest, Admitted>()
  const routes = described(app)
  app.addHook('onRequest', async (request, reply) => {
    const { command, needs = 'viewer', asks = false, linked = false } = request.routeOptions.config as RouteFacts
    const asked = { ...guarded(request), asks, linked }
    // What no route takes changes nothing, whatever its method.
    const seen = request.is404 ? { ...asked, method: 'GET' } : asked
    const verdict = guard.check(seen, needs === 'nothing' ? undefined : needs)
    if ('error' in verdict) {
      const { who } = verdict
      if (command !== undefined && who !== undefined) await auditor.refused(recorded(request, command, who))
      return refuse(reply, verdict)
    }
    callers.set(request, verdict)
    return undefined
  })
  app.addHook('preHandler', async ({ query, routeOptions: { config, url = '' } }) => {
    const { command, takes } = config as RouteFacts
    if (url.startsWith(API) && command === undefined && takes?.query === undefined)
      readNothing(query as ReadCall['query'])
  })
  addProbes(app, options)
  addMetrics(app, options)
  app.get(`${API}openapi.json`, () => openApi(routes))
  app.get(`${API}whoami`, (request) => whoami(callers.get(request)))
  const addViews = (list: Readonly<Record<string, View>>, needs: Role): void => {
    for (const [path, view] of Object.entries(list)) {
      app.get(`${API}${path}`, { config: { needs, takes: view.takes } }, (request) => view(request as ReadCall))
    }
  }
  addViews(views, 'viewer')
  addViews(operatorViews, 'operator')
  addFeeds(app, feeds, clock, (socket) => connections.streams(socket))
  addDashboard(app, dashboard)
  for (const [path, question] of Object.entries(questions)) {
    app.post(`${API}${path}`, { config: { asks: true, takes: question.takes } }, (request) =>
      question(request.body, callOf(request, request.body)),
    )
  }
  const addCommands = (list: Readonly<Record<string, Command>>, bodyLimit: number): void => {
    for (const [path, command] of Object.entries(list)) {
      const config = { needs: 'operator', command: path, takes: command.takes }
      app.post(`${API}${path}`, { config, bodyLimit }, (request) => {
        const { body } = request
        const call = recorded(request, path, callers.get(request) as Admitted)
        return auditor.run({ ...call, body }, async () => command(body, callOf(request, body)))
      })
    }
  }
  addCommands(commands, BODY_BYTES)
  addCommands(uploads, UPLOAD_BYTES)
  return app
}

/** The routes of the API that are added from now on. */
function described(app: FastifyInstance): readonly DescribedRoute[] {
  const routes: DescribedRoute[] = []
  app.addHook('onRoute', ({ config, method, url }) => {
    const { command, linked = false, needs = 'viewer', takes = {} } = (config ?? {}) as RouteFacts
    if (linked || (method !== 'GET' && method !== 'POST')) return
    routes.push({ method: method as DescribedRoute['method'], path: url, needs, acts: command !== undefined, takes })
  })
  return routes
}

function recorded(request: FastifyRequest, path: string, who: Admitted): Omit<CommandCall, 'body'> {
  return { path, who, peer: request.raw.socket.remoteAddress ?? '', dryRun: dryRunOf(request) }
}

function addFeeds(
  app: FastifyInstance,
  feeds: AdminOptions['feeds'],
  clock: Clock,
  stays: (socket: Socket) => void,
): void {
  const streams = new EventStreams(clock)
  app.addHook('preClose', async () => streams.close())
  for (const [path, feed] of Object.entries(feeds)) {
    app.get(
      `${API}${path}`,
      { config: { needs: feed.needs, takes: feed.takes }, exposeHeadRoute: false },
      async (request, reply) => {
        const begin = feed.open(request as ReadCall)
        streams.check()
        reply.hijack()
        stays(request.raw.socket)
        reply.raw.writeHead(200, { ...SAFE_HEADERS, 'content-type': 'text/event-stream' })
        streams.run(reply.raw, begin)
      },
    )
  }
}

/** Relative redirects: they hold below whatever prefix a proxy in front has taken off. */
function addDashboard(app: FastifyInstance, files: ReadonlyMap<string, DashboardFile>): void {
  const config = { needs: 'nothing', linked: true }
  app.get('/', { config }, (_request, reply) => reply.code(302).header('location', 'dashboard/').send())
  app.get('/dashboard', { config }, (_request, reply) => reply.code(302).header('location', 'dashboard/').send())
  for (const [path, { body, headers }] of files) {
    app.get(`/dashboard/${path}`, { config }, (request, reply) => {
      reply.headers(headers)
      return request.headers['if-none-match'] === headers.etag ? reply.code(304).send() : reply.send(body)
    })
  }
}

function whoami(caller: Admitted | undefined): object {
  return { name: caller?.name ?? null, role: caller?.role ?? 'viewer', by: caller?.by ?? 'nothing' }
}

function callOf({ headers, query, routeOptions }: FastifyRequest, body: unknown): CallOptions {
  const { takes } = routeOptions.config as RouteFacts
  return readCall(takes ?? {}, { body, query: query as ReadCall['query'], ifMatch: headers['if-match'] })
}

function dryRunOf({ query }: FastifyRequest): boolean {
  return (query as { readonly dryRun?: unknown }).dryRun === 'true'
}

function addProbes(app: FastifyInstance, { facts }: ServerSources): void {
  const probes = { livez: liveness, readyz: readiness, startupz: startup } as const
  for (const [name, judge] of Object.entries(probes)) {
    app.get(`/${name}`, { config: { needs: 'nothing' } }, (_request, reply) => show(reply, judge(facts())))
  }
}

function addMetrics(app: FastifyInstance, { metrics }: ServerSources): void {
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
  return fail(reply, error, status, message)
}

function guarded(request: FastifyRequest) {
  const { headers, method, raw } = request
  const valuesOf = (name: string): string[] =>
    raw.rawHeaders.filter((_, i) => i % 2 === 1 && raw.rawHeaders[i - 1]?.toLowerCase() === name)
  return {
    method,
    target: raw.url ?? '',
    hosts: valuesOf('host'),
    origin: headers.origin,
    fetchSite: headers['sec-fetch-site'] as string | undefined,
    authorization: headers.authorization,
    contentType: headers['content-type'],
    peer: raw.socket.remoteAddress ?? '',
    valuesOf,
  }
}
