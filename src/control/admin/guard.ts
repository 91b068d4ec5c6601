import { BlockList, isIP } from 'node:net'
import { atLeast, bearerOf, type Role, type Tokens } from './tokens.ts'

/** What the guard looks at in a request. */
export interface GuardedRequest {
  readonly method: string
  /** A question with a body: it changes nothing, and counts as reading. */
  readonly asks?: boolean
  /** A page without secrets, which others may link to. */
  readonly linked?: boolean
  /** All Host fields. */
  readonly hosts: readonly string[]
  readonly origin: string | undefined
  readonly fetchSite: string | undefined
  readonly authorization: string | undefined
  readonly contentType: string | undefined
  /** Address of the other end of the connection. */
  readonly peer: string
}

export interface GuardRefusal {
  readonly status: 400 | 401 | 403 | 415
  readonly error: 'bad_host' | 'host_not_allowed' | 'foreign_origin' | 'unauthenticated' | 'forbidden' | 'content_type'
  readonly message: string
}

/** `name` and `role`: the token's; undefined where none was needed and none was shown. */
export interface Admitted {
  readonly name: string | undefined
  readonly role: Role | undefined
}

export interface GuardOptions {
  readonly tokens: Tokens
  /** `admin.auth` is set: reading, too, takes a token. */
  readonly guardReads: boolean
  /** Host names besides localhost and loopback literals, lower-case. */
  readonly hosts: readonly string[]
}

/**
 * Who may talk to the admin API. Host guards against DNS rebinding; Origin, Sec-Fetch-Site and the content type against
 * pages of others in an operator's browser; the token against everybody else, on loopback too.
 */
export class Guard {
  private readonly tokens: Tokens
  private readonly guardReads: boolean
  private readonly hosts: ReadonlySet<string>
  private readonly loopback = new BlockList()

  constructor({ tokens, guardReads, hosts }: GuardOptions) {
    this.tokens = tokens
    this.guardReads = guardReads
    this.hosts = new Set(hosts)
    this.loopback.addSubnet('127.0.0.0', 8, 'ipv4')
    this.loopback.addAddress('::1', 'ipv6')
  }

  /** `needs`: the role for this call; undefined: a probe, which takes no token. */
  check(request: GuardedRequest, needs: Role | undefined): Admitted | GuardRefusal {
    return this.checkSource(request) ?? this.checkToken(request, needs)
  }

  private checkSource({ hosts, origin, fetchSite, linked = false }: GuardedRequest): GuardRefusal | undefined {
    const [host] = hosts
    if (host === undefined || hosts.length > 1) return refuse(400, 'bad_host', 'one Host field is needed')
    if (!this.allows(nameOf(host))) {
      return refuse(403, 'host_not_allowed', 'this host name is not in admin.hosts')
    }
    if ((fetchSite === 'cross-site' && !linked) || (origin !== undefined && !isSame(origin, host))) {
      return refuse(403, 'foreign_origin', 'requests of other sites are refused')
    }
    return undefined
  }

  private checkToken(request: GuardedRequest, needs: Role | undefined): Admitted | GuardRefusal {
    const bodiless = request.method === 'GET' || request.method === 'HEAD'
    const reads = bodiless || request.asks === true
    const free = needs === undefined || (reads && !this.guardReads && this.isLoopback(request.peer))
    const verdict = free
      ? ((needs && this.known(request)) ?? { name: undefined, role: undefined })
      : this.holder(request, reads ? needs : atLeast(needs, 'operator') ? needs : 'operator')
    if ('error' in verdict || needs === undefined || bodiless) return verdict
    if (mediaType(request.contentType) === 'application/json') return verdict
    return refuse(415, 'content_type', 'content-type must be application/json')
  }

  private holder(request: GuardedRequest, needed: Role): Admitted | GuardRefusal {
    const token = this.known(request)
    if (token === undefined) return refuse(401, 'unauthenticated', 'a valid bearer token is needed')
    if (!atLeast(token.role, needed)) return refuse(403, 'forbidden', `the role ${needed} is needed`)
    return token
  }

  private known({ authorization }: GuardedRequest): { readonly name: string; readonly role: Role } | undefined {
    const presented = bearerOf(authorization)
    const token = presented === undefined ? undefined : this.tokens.find(presented)
    return token && { name: token.name, role: token.role }
  }

  private allows(name: string): boolean {
    return name === 'localhost' || this.isLoopback(name) || this.hosts.has(name)
  }

  private isLoopback(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.loopback.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}

/** Host without port and brackets, lower-case. */
function nameOf(host: string): string {
  const end = host.startsWith('[') ? host.indexOf(']') : host.indexOf(':')
  return (host.startsWith('[') ? host.slice(1, end) : end === -1 ? host : host.slice(0, end)).toLowerCase()
}

function isSame(origin: string, host: string): boolean {
  const lower = host.toLowerCase()
  return origin.toLowerCase() === `http://${lower}` || origin.toLowerCase() === `https://${lower}`
}

function mediaType(contentType: string | undefined): string | undefined {
  return contentType?.split(';')[0]?.trim().toLowerCase()
}

function refuse(status: GuardRefusal['status'], error: GuardRefusal['error'], message: string): GuardRefusal {
  return { status, error, message }
}
