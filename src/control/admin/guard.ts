import type { IncomingMessage } from 'node:http'
import type { Caller, Role } from '../../core/operation.ts'
import { hostOf } from '../../lib/authority.ts'
import { CidrSet } from '../../lib/cidr.ts'
import { canonicalIp } from '../../lib/ip.ts'
import type { ErrorCode } from './contract.ts'
import type { AdminIdentity, ProxyIdentity } from './proxy-identity.ts'
import { bearerOf, suffices, type Tokens } from './tokens.ts'

const ANONYMOUS: Caller = { name: undefined, role: 'viewer', by: 'nothing' }

/** The parts of a request that the guard reads. */
export interface GuardedRequest {
  readonly method: string
  /** A question with a body: it changes nothing, and counts as reading. */
  readonly asks?: boolean
  /** A page without secrets, which others may link to. */
  readonly linked?: boolean
  /** The target as it came: a path, or a whole URL. */
  readonly target: string
  /** All Host fields. */
  readonly hosts: readonly string[]
  readonly origin: string | undefined
  readonly fetchSite: string | undefined
  readonly authorization: string | undefined
  readonly contentType: string | undefined
  /** Address of the other end of the connection. */
  readonly peer: string
  /** All lines of a field, by lower-case name. */
  readonly valuesOf: (name: string) => readonly string[]
}

export interface GuardRefusal {
  readonly status: 400 | 401 | 403 | 415
  /** Of a caller that is known, but not allowed. */
  readonly who?: Caller
  readonly error: Exclude<ErrorCode, 'bad_request' | 'not_found' | 'method_not_allowed' | 'refused' | 'internal'>
  readonly message: string
}

/** What the guard reads of a request of node:http. */
export function guardedRequest({
  headers,
  method = '',
  rawHeaders,
  socket,
  url = '',
}: IncomingMessage): GuardedRequest {
  const valuesOf = (name: string): string[] =>
    rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name)
  return {
    method,
    target: url,
    hosts: valuesOf('host'),
    origin: headers.origin,
    fetchSite: headers['sec-fetch-site'] as string | undefined,
    authorization: headers.authorization,
    contentType: headers['content-type'],
    peer: socket.remoteAddress ?? '',
    valuesOf,
  }
}

export interface AdminGuardOptions {
  readonly tokens: Tokens
  /** undefined: header fields prove nothing. */
  readonly proxy?: ProxyIdentity | undefined
  /** `admin.auth` or `admin.trustedProxyHeader` is set: reading also requires a role. */
  readonly guardReads: boolean
  /** Host names and addresses besides localhost and loopback literals; IPv6 in brackets. */
  readonly hosts: readonly string[]
}

/**
 * Who may talk to the admin API. Host guards against DNS rebinding; Origin, Sec-Fetch-Site and the content type against
 * pages of others in an operator's browser; the token, or the header fields of a trusted proxy, against all other clients, on loopback
 * too.
 */
export class AdminGuard {
  private readonly tokens: Tokens
  private readonly proxy: ProxyIdentity | undefined
  private readonly guardReads: boolean
  private readonly hosts: ReadonlySet<string>
  private readonly loopback = new CidrSet(['127.0.0.0/8', '::1/128'])

  constructor({ tokens, proxy, guardReads, hosts }: AdminGuardOptions) {
    this.tokens = tokens
    this.proxy = proxy
    this.guardReads = guardReads
    this.hosts = new Set(hosts.flatMap((host) => nameOf(host) ?? []))
  }

  /** `needs`: the role for this call; undefined: a probe, which requires no token. */
  check(request: GuardedRequest, needs: Role | undefined): Caller | GuardRefusal {
    return this.checkSource(request) ?? this.checkRole(request, needs)
  }

  private checkSource({ fetchSite, hosts, linked = false, origin, target }: GuardedRequest): GuardRefusal | undefined {
    const [host] = hosts
    if (host === undefined || hosts.length > 1) return refuse(400, 'bad_host', 'one Host field is needed')
    const authority = authorityOf(target) ?? host
    const name = nameOf(authority)
    if (name === undefined || nameOf(host) === undefined)
      return refuse(400, 'bad_host', 'Host must be a host with or without a port')
    if (!this.allows(name)) return refuse(403, 'host_not_allowed', 'this host name is not in admin.hosts')
    if ((fetchSite === 'cross-site' && !linked) || (origin !== undefined && !isSame(origin, authority)))
      return refuse(403, 'foreign_origin', 'requests of other sites are refused')
    return undefined
  }

  private checkRole(request: GuardedRequest, needs: Role | undefined): Caller | GuardRefusal {
    const bodiless = request.method === 'GET' || request.method === 'HEAD'
    const reads = bodiless || request.asks === true
    const free =
      needs === undefined || (needs === 'viewer' && reads && !this.guardReads && this.isLoopback(request.peer))
    const who = this.identify(request)
    const needed = free ? undefined : reads || suffices(needs, 'operator') ? needs : 'operator'
    if (needed !== undefined) {
      if (who === undefined) return refuse(401, 'unauthenticated', 'a valid bearer token is needed')
      if (!suffices(who.role, needed)) return { ...refuse(403, 'forbidden', `the role ${needed} is needed`), who }
    }
    if (needs !== undefined && !bodiless && mediaType(request.contentType) !== 'application/json')
      return refuse(415, 'content_type', 'content-type must be application/json')
    return who ?? ANONYMOUS
  }

  /** A token proves more than the header fields of a proxy, which may pass on a token that is not ours. */
  private identify({ authorization, peer, valuesOf }: GuardedRequest): Caller | undefined {
    const presented = bearerOf(authorization)
    const token = presented === undefined ? undefined : this.tokens.find(presented)
    if (token !== undefined) return admitted(token, 'token')
    const told = this.proxy?.of(peer, valuesOf)
    return told && admitted(told, 'proxy')
  }

  private allows(name: string): boolean {
    return name === 'localhost' || this.isLoopback(name) || this.hosts.has(name)
  }

  private isLoopback(address: string): boolean {
    return this.loopback.contains(address)
  }
}

function admitted({ name, role }: AdminIdentity, by: 'token' | 'proxy'): Caller {
  return { name, role, by }
}

/** The authority of a target that is a whole URL: it counts, whatever Host says (RFC 9112, section 3.2.2). */
function authorityOf(target: string): string | undefined {
  return /^https?:\/\/([^/?#]*)/i.exec(target)?.[1]
}

/**
 * The host of an authority in one spelling: lower-case, without port, brackets and trailing dot. undefined: not an
 * authority.
 */
function nameOf(authority: string): string | undefined {
  const host = hostOf(authority)
  return host?.startsWith('[') ? canonicalIp(host.slice(1, -1)) : host
}

function isSame(origin: string, authority: string): boolean {
  const [, scheme = '', theirs = ''] = /^(https?):\/\/(.*)$/i.exec(origin) ?? []
  const port = scheme.toLowerCase() === 'https' ? 443 : 80
  const name = nameOf(theirs)
  return name !== undefined && name === nameOf(authority) && portOf(theirs, port) === portOf(authority, port)
}

function portOf(authority: string, otherwise: number): number {
  return Number(/:(\d+)$/.exec(authority)?.[1] ?? otherwise)
}

function mediaType(contentType: string | undefined): string | undefined {
  return contentType?.split(';')[0]?.trim().toLowerCase()
}

function refuse(status: GuardRefusal['status'], error: GuardRefusal['error'], message: string): GuardRefusal {
  return { status, error, message }
}
