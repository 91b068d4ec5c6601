import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { http } from '../../lib/node-http.ts'
import { Connections } from './connections.ts'
import { SAFE_HEADERS } from './contract.ts'
import { type AdminGuard, type GuardRefusal, guardedRequest } from './guard.ts'
import { type AdminAnswer, type ControlPages, PAGE_NEEDS, type PageName } from './pages.ts'
import { internalError, noSuchPath, notAllowed, refusalAnswer, unreadAnswer } from './problem.ts'

const HEAD_MS = 2_000
const REQUEST_MS = 10_000
const KEEP_ALIVE_MS = 15_000
const CONNECTIONS = 256
/** Node looks for slow requests only every 30 s otherwise. */
const CHECK_MS = 250

/** Takes a request over, whatever it asks for. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface ControlServerOptions {
  readonly pages: ControlPages
  /** undefined: no page needs anything. */
  readonly guard: Pick<AdminGuard, 'check'> | undefined
  /** For what is not a `GET` or `HEAD` of a page. */
  readonly rest: Handler
  readonly bug: (error: unknown) => void
}

/**
 * A server of the control plane: its limits, and the pages that machines ask for all the time. These must not depend on
 * what answers the rest, which comes when it is needed.
 */
export class ControlServer {
  private readonly options: ControlServerOptions
  private readonly server: Server
  private readonly connections: Connections

  constructor(options: ControlServerOptions) {
    this.options = options
    this.server = http.createServer({
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: HEAD_MS,
      connectionsCheckingInterval: CHECK_MS,
    })
    this.connections = new Connections(this.server, CONNECTIONS)
    this.server.on('request', (request, response) => this.handle(request, response))
    this.server.on('clientError', ({ code = '' }: NodeJS.ErrnoException, socket) => {
      // A client that sent nothing made no request that could be answered.
      if (socket.writable && code !== 'ECONNRESET' && (socket as Socket).bytesRead > 0)
        socket.write(unreadAnswer(code, SAFE_HEADERS))
      socket.destroy()
    })
  }

  /** The port that it listens on. Rejects with the error of the system. */
  async listen(host: string, port: number): Promise<number> {
    this.server.listen({ host, port })
    await once(this.server, 'listening')
    return (this.server.address() as AddressInfo).port
  }

  /** The answer on it lasts as long as its reader likes. */
  streams(socket: Socket): void {
    this.connections.streams(socket)
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      // Called back with an error where it never listened.
      this.server.close(() => resolve())
      this.server.closeAllConnections()
    })
  }

  private handle(request: IncomingMessage, response: ServerResponse): void {
    const name = nameOf(request)
    if (name === undefined || (request.method !== 'GET' && request.method !== 'HEAD')) {
      this.options.rest(request, response)
      return
    }
    const refusal = this.refusalOf(request, name)
    if (refusal !== undefined) send(response, refusalAnswer(refusal))
    else void this.show(request, response, name)
  }

  private refusalOf(request: IncomingMessage, name: PageName): GuardRefusal | undefined {
    const needs = PAGE_NEEDS[name]
    const verdict = this.options.guard?.check(guardedRequest(request), needs === 'nothing' ? undefined : needs)
    return verdict !== undefined && 'error' in verdict ? verdict : undefined
  }

  private async show({ headers }: IncomingMessage, response: ServerResponse, name: PageName): Promise<void> {
    const { bug, pages } = this.options
    try {
      send(response, await pages[name](headers.accept))
    } catch (error) {
      bug(error)
      send(response, internalError())
    }
  }
}

/** What answers where there are pages only. */
export function pagesOnly(request: IncomingMessage, response: ServerResponse): void {
  send(response, nameOf(request) === undefined ? noSuchPath() : notAllowed(request.method, 'GET, HEAD'))
}

export function send(response: ServerResponse, { status, headers, body }: AdminAnswer): void {
  response.writeHead(status, { ...SAFE_HEADERS, ...headers, 'content-length': Buffer.byteLength(body) })
  response.end(body)
}

/** The page that a request names; undefined: none. */
function nameOf({ url = '' }: IncomingMessage): PageName | undefined {
  const name = targetPath(url).slice(1)
  return Object.hasOwn(PAGE_NEEDS, name) ? (name as PageName) : undefined
}

/** Of a target that is a path, or a whole URL. */
export function targetPath(target: string): string {
  return target.replace(/^https?:\/\/[^/?]*|\?.*$/gi, '')
}
