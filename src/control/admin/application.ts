import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Caller, CallOptions, Command, Events, Operation, ReadCall, Role, Takes } from '../../core/operation.ts'
import type { Clock } from '../../lib/clock.ts'
import type { Auditing, CommandCall } from '../operations/audit/auditing.ts'
import { BODY_BYTES, createApp, show } from './app.ts'
import { readCall, readNothing } from './call.ts'
import { type DescribedRoute, SAFE_HEADERS } from './contract.ts'
import type { DashboardFile } from './dashboard/files.ts'
import { EventStreams } from './event-stream.ts'
import { type AdminGuard, guardedRequest } from './guard.ts'
import { ofOperation, type RouteDescription } from './openapi/description.ts'
import { openApi } from './openapi/document.ts'
import { OWN_PAGES } from './openapi/own.ts'
import { METRICS_PAGE, PROBES } from './openapi/probes.ts'
import { type ControlPages, PAGE_NEEDS, type PageName } from './pages.ts'

import { refusalAnswer } from './problem.ts'

const API = '/api/v1/'
/** A config of the largest size, as text in JSON. */
const UPLOAD_BYTES = 2 * 16 * 1_048_576

export interface ApplicationOptions {
  readonly pages: ControlPages
  readonly guard: Pick<AdminGuard, 'check'>
  readonly operations: readonly Operation[]
  readonly clock: Clock
  /** Carries out commands and records them. */
  readonly auditor: Pick<Auditing, 'run' | 'refused'>
  /** Of the dashboard, by path below /dashboard/; they contain nothing that requires a token. */
  readonly dashboard: ReadonlyMap<string, DashboardFile>
  /** Its answer lasts as long as its reader likes. */
  readonly streams: (socket: Socket) => void
  readonly bug: (error: unknown) => void
}

/** Facts of a route for the guard and the description. */
interface RouteFacts {
  readonly needs?: Role | 'nothing'
  /** A question with a body. */
  readonly asks?: boolean
  readonly command?: Command
  readonly takes?: Takes | undefined
  /** A page, which others may link to; it is no part of the API. */
  readonly linked?: boolean
  /** undefined: it is no part of the API. */
  readonly says?: RouteDescription
}

/** Dashboard, API, probes and metrics, all behind the guard. It does not listen. */
export function application(options: ApplicationOptions): FastifyInstance {
  const { operations, clock, dashboard, bug, pages } = options
  const app = createApp(bug)
  const callers = new WeakMap<FastifyRequest, Caller>()
  const routes = described(app)
  guardAll(app, options, callers)
  addPages(app, pages)
  app.get(`${API}openapi.json`, { config: { says: OWN_PAGES.openapi } }, () => openApi(routes))
  app.get(`${API}whoami`, { config: { says: OWN_PAGES.whoami } }, (request) => whoami(callers.get(request)))
  const streams = new EventStreams(clock)
  app.addHook('preClose', async () => streams.close())
  for (const operation of operations) {
    if (operation.kind === 'events') addEvents(app, operation, streams, options.streams)
    else if (operation.kind === 'command') addCommand(app, operation, options, callers)
    else addReading(app, operation)
  }
  addDashboard(app, dashboard)
  return app
}

function guardAll(
  app: FastifyInstance,
  { auditor, guard }: ApplicationOptions,
  callers: WeakMap<FastifyRequest, Caller>,
): void {
  app.addHook('onRequest', async (request, reply) => {
    const { command, needs = 'viewer', asks = false, linked = false } = request.routeOptions.config as RouteFacts
    const asked = { ...guardedRequest(request.raw), asks, linked }
    // A request that no route takes changes nothing, whatever its method.
    const seen = request.is404 ? { ...asked, method: 'GET' } : asked
    const verdict = guard.check(seen, needs === 'nothing' ? undefined : needs)
    if ('error' in verdict) {
      const { who } = verdict
      if (command !== undefined && who !== undefined) await auditor.refused(recorded(request, command, who))
      return show(reply, refusalAnswer(verdict))
    }
    callers.set(request, verdict)
    return undefined
  })
  app.addHook('preHandler', async ({ query, routeOptions: { config, url = '' } }) => {
    const { command, takes } = config as RouteFacts
    if (url.startsWith(API) && command === undefined && takes?.query === undefined)
      readNothing(query as ReadCall['query'])
  })
}

/** Operations that change nothing: a view, or a question. */
function addReading(app: FastifyInstance, operation: Exclude<Operation, Command | Events>): void {
  const { path, says, takes } = operation
  const facts: RouteFacts = { takes, says: ofOperation(says) }
  if (operation.kind === 'view') {
    const config = { ...facts, needs: operation.needs ?? 'viewer' }
    app.get(`${API}${path}`, { config }, (request) => operation.read(request as ReadCall))
    return
  }
  app.post(`${API}${path}`, { config: { ...facts, asks: true } }, (request) => {
    readRequest(request)
    return operation.ask(request.body)
  })
}

function addCommand(
  app: FastifyInstance,
  command: Command,
  { auditor }: ApplicationOptions,
  callers: WeakMap<FastifyRequest, Caller>,
): void {
  const { large = false, needs = 'operator', path, says, takes } = command
  const config: RouteFacts = { needs, command, takes, says: ofOperation(says) }
  app.post(`${API}${path}`, { config, bodyLimit: large ? UPLOAD_BYTES : BODY_BYTES }, async (request, reply) => {
    const { body } = request
    const call = { ...recorded(request, command, callers.get(request) as Caller), body }
    const answer = await auditor.run(call, async () => command.run(body, callOf(request, reply, callers)))
    if (!(answer instanceof Readable)) return answer
    if (!reply.raw.destroyed) return reply.type('application/json').send(answer)
    // The client left while it was recorded.
    answer.destroy()
    return reply.hijack()
  })
}

/** The routes of the API that are added from now on. */
function described(app: FastifyInstance): readonly DescribedRoute[] {
  const routes: DescribedRoute[] = []
  app.addHook('onRoute', ({ config, method, url }) => {
    const { command, needs = 'viewer', says, takes = {} } = (config ?? {}) as RouteFacts
    if (says === undefined || (method !== 'GET' && method !== 'POST')) return
    routes.push({
      method: method as DescribedRoute['method'],
      path: url,
      needs,
      acts: command !== undefined,
      takes,
      says,
    })
  })
  return routes
}

function recorded(request: FastifyRequest, command: Command, who: Caller): Omit<CommandCall, 'body'> {
  return { command, who, peer: request.raw.socket.remoteAddress ?? '', dryRun: dryRunOf(request) }
}

function addEvents(app: FastifyInstance, events: Events, streams: EventStreams, stays: (socket: Socket) => void): void {
  const { needs = 'viewer', path, says, takes } = events
  const config: RouteFacts = { needs, takes, says: ofOperation(says) }
  app.get(`${API}${path}`, { config, exposeHeadRoute: false }, async (request, reply) => {
    const begin = events.open(request as ReadCall)
    streams.check()
    reply.hijack()
    stays(request.raw.socket)
    reply.raw.writeHead(200, { ...SAFE_HEADERS, 'content-type': 'text/event-stream' })
    streams.run(reply.raw, begin)
  })
}

/** Relative redirects: they hold below any prefix that a proxy in front has removed. */
function addDashboard(app: FastifyInstance, files: ReadonlyMap<string, DashboardFile>): void {
  const config: RouteFacts = { needs: 'nothing', linked: true }
  app.get('/', { config }, (_request, reply) => reply.code(302).header('location', 'dashboard/').send())
  app.get('/dashboard', { config }, (_request, reply) => reply.code(302).header('location', 'dashboard/').send())
  for (const [path, { body, headers }] of files) {
    app.get(`/dashboard/${path}`, { config }, (request, reply) => {
      reply.headers(headers)
      return request.headers['if-none-match'] === headers.etag ? reply.code(304).send() : reply.send(body)
    })
  }
}

function whoami(caller: Caller | undefined): object {
  return { name: caller?.name ?? null, role: caller?.role ?? 'viewer', by: caller?.by ?? 'nothing' }
}

function callOf(request: FastifyRequest, reply: FastifyReply, callers: WeakMap<FastifyRequest, Caller>): CallOptions {
  return { ...readRequest(request), who: callers.get(request) as Caller, left: leftBy(reply.raw) }
}

function readRequest({ body, headers, query, routeOptions }: FastifyRequest): Pick<CallOptions, 'dryRun' | 'expected'> {
  const { takes = {} } = routeOptions.config as RouteFacts
  return readCall(takes, { body, query: query as ReadCall['query'], ifMatch: headers['if-match'] })
}

function leftBy(response: ServerResponse): AbortSignal {
  if (response.destroyed) return AbortSignal.abort()
  const left = new AbortController()
  response.once('close', () => left.abort())
  return left.signal
}

function dryRunOf({ query }: FastifyRequest): boolean {
  return (query as { readonly dryRun?: unknown }).dryRun === 'true'
}

/** As machines get them, which do not need this application: see `server.ts`. */
function addPages(app: FastifyInstance, pages: ControlPages): void {
  const says: Readonly<Record<PageName, RouteDescription>> = { ...PROBES, metrics: METRICS_PAGE }
  for (const [name, page] of Object.entries(pages)) {
    const needs = PAGE_NEEDS[name as PageName]
    const config: RouteFacts = { needs, says: says[name as PageName] }
    app.get(`/${name}`, { config }, async (request, reply) => show(reply, await page(request.headers.accept)))
  }
}
