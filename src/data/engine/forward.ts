import type { Attempt } from '../../core/attempt.ts'
import type { Exchange } from '../../core/exchange.ts'
import type { ConfigHead } from '../../core/protocol.ts'
import type { TransportRequest } from '../../core/transport.ts'
import { UNIX_PEER } from '../../lib/address.ts'
import { type FlatHeaders, fieldValues } from '../../lib/headers.ts'
import { isDigit, isDigits, wholeNumber } from '../../lib/whole-number.ts'
import type { Endpoint } from '../upstreams/endpoint.ts'
import type { AttemptsHost } from './attempts-host.ts'
import { type FieldKinds, Kind, passedOn, removeNamed, requestKinds, requestTrailerKinds, sideKinds } from './fields.ts'

/** The largest `Max-Forwards` that Sluice writes. */
const MAX_HOPS = 999_999_999
const COLON = 58

/** Makes the head fields that upstreams get: the client's end-to-end fields in their order, then ours. */
export class Forwarder {
  private readonly kinds: FieldKinds
  private readonly sideKinds: FieldKinds
  private readonly trailerKinds: FieldKinds
  private readonly correlation: readonly string[]
  private readonly via: string
  /**
   * Sluice takes part in traces, and begins them. Otherwise they only pass: a new trace that is not sampled would keep
   * services behind from sampling theirs.
   */
  private readonly traces: boolean

  /** `named`: fields of requests that the config names, see `requestKinds`. */
  constructor(
    head: Pick<ConfigHead, 'gateway' | 'correlation' | 'tracing'>,
    named: ReadonlySet<string> | readonly string[],
  ) {
    this.kinds = requestKinds(head.correlation.headers, named)
    this.sideKinds = sideKinds(head.correlation.headers)
    this.trailerKinds = requestTrailerKinds(head.correlation.headers, named)
    this.correlation = head.correlation.headers
    this.traces = head.tracing !== undefined
    this.via = `1.1 ${head.gateway.name}`
  }

  /** End-to-end fields of the request plus ours; without Host and framing, which transports write. */
  headers(ex: Exchange): string[] {
    const { headers, trusted, downstream } = ex
    const peer = downstream.peer
    const out: string[] = []
    let via = ''
    let forwardedFor = ''
    let proto = ''
    let host = ''
    let port = ''
    let connection = ''
    let te = ''
    let trailer = ''
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string
      const value = headers[i + 1] as string
      switch (this.kinds.of(name)) {
        case Kind.keep:
          out.push(name, value)
          break
        case Kind.connection:
          connection = connection === '' ? value : `${connection},${value}`
          break
        case Kind.te:
          te = te === '' ? value : `${te},${value}`
          break
        case Kind.trailer:
          trailer = trailer === '' ? value : `${trailer},${value}`
          break
        case Kind.via:
          via = via === '' ? value : `${via}, ${value}`
          break
        case Kind.forwardedFor:
          if (trusted) forwardedFor = forwardedFor === '' ? value : `${forwardedFor}, ${value}`
          break
        case Kind.forwardedProto:
          if (trusted) proto = value
          break
        case Kind.forwardedHost:
          if (trusted) host = value
          break
        case Kind.forwardedPort:
          if (trusted) port = value
          break
        case Kind.trustedOnly:
          if (trusted) out.push(name, value)
          break
        case Kind.priorAttempts:
          if (trusted) ex.priorAttempts = Math.max(ex.priorAttempts, wholeNumber(value) - 1)
          break
        case Kind.explain:
          if (trusted && value === '1') ex.explain = true
          break
        case Kind.maxForwards:
          out.push(name, countsHops(ex.method) ? hopsLeft(value) : value)
          break
      }
    }
    if (connection !== '') {
      removeNamed(out, connection)
      if (te !== '' && takesTrailers(te, connection) && downstream.protocol !== 'HTTP/1.0') out.push('te', 'trailers')
    }
    if (trailer !== '' && downstream.contentLength === -1) this.announce(trailer, connection, out)
    if (proto === '') proto = peer.secure ? 'https' : 'http'
    if (host === '') host = downstream.authority
    // HTTP/1.0 without Host: there is none to pass on.
    if (host !== '') out.push('x-forwarded-host', host)
    // A peer without an address adds none.
    if (peer.address !== UNIX_PEER)
      out.push('x-forwarded-for', forwardedFor === '' ? peer.address : `${forwardedFor}, ${peer.address}`)
    else if (forwardedFor !== '') out.push('x-forwarded-for', forwardedFor)
    out.push('x-forwarded-proto', proto, 'x-forwarded-port', port === '' ? portOf(host, proto) : port)
    if (ex.client !== UNIX_PEER) out.push('x-real-ip', ex.client)
    out.push('via', via === '' ? this.via : `${via}, ${this.via}`)
    this.belong(ex, out)
    return out
  }

  /** Those of the request's trailers that upstreams get. */
  trailers({ headers }: Exchange, trailers: FlatHeaders): FlatHeaders {
    if (trailers.length === 0) return trailers
    return passedOn(this.trailerKinds, trailers, fieldValues(headers, 'connection'))
  }

  /** Of a request that a feature makes: its own fields, those of one connection left out, then ours. */
  own(fields: FlatHeaders, ex: Exchange): string[] {
    const out = passedOn(this.sideKinds, fields)
    this.belong(ex, out)
    return out
  }

  /** Names those of the announced trailers that pass. */
  private announce(trailer: string, connection: string, out: string[]): void {
    const names = trailer.split(',').flatMap((name) => [name.trim(), ''])
    const passing = passedOn(this.trailerKinds, names, connection).filter((name) => name !== '')
    if (passing.length > 0) out.push('trailer', passing.join(', '))
  }

  /** Trace and correlation. */
  private belong(ex: Exchange, out: string[]): void {
    if (ex.continued || this.traces) {
      // If the trace is sampled, each attempt has a span of its own, see `Trace.dispatched`.
      if (ex.trace?.sampled !== true) out.push('traceparent', ex.traceparent)
    }
    if (ex.tracestate !== undefined) out.push('tracestate', ex.tracestate)
    for (const name of this.correlation) out.push(name, ex.correlationId)
  }
}

/** The latest attempt as the wire sees it. `fields`: shared by all attempts; those of the attempt are added. */
export function attemptRequest(
  { ex, bodyLength }: Pick<AttemptsHost, 'ex' | 'bodyLength'>,
  endpoint: Endpoint,
  fields: string[],
): TransportRequest {
  const at = ex.attempt as Attempt
  fields.push('sluice-attempt', String(ex.attempts))
  ex.trace?.dispatched(at, fields)
  if (ex.deadline !== Number.POSITIVE_INFINITY) fields.push('sluice-timeout-ms', timeLeft(ex, at))
  return {
    method: ex.method,
    target: ex.forwardTarget,
    authority: ex.forwardAuthority ?? endpoint.authority,
    headers: fields,
    contentLength: bodyLength,
    upgrade: ex.upgrade,
  }
}

/** It waited for a connection: it has less time than when it was made. */
export function renewTimeLeft(ex: Exchange, at: Attempt, { headers }: TransportRequest): void {
  const fields = headers as string[]
  if (ex.deadline !== Number.POSITIVE_INFINITY) fields[fields.length - 1] = timeLeft(ex, at)
}

function timeLeft(ex: Exchange, at: Attempt): string {
  return String(Math.max(1, Math.floor(ex.deadline - at.startedAt)))
}

/**
 * The port of the URL that a client asked for, from its `host[:port]` and scheme; of the lists of trusted peers, the first
 * one.
 */
function portOf(authority: string, scheme: string): string {
  const comma = authority.indexOf(',')
  const end = comma === -1 ? authority.length : comma
  let start = end
  while (start > 0 && isDigit(authority.charCodeAt(start - 1))) start--
  if (start < end && authority.charCodeAt(start - 1) === COLON) return authority.slice(start, end)
  return scheme === 'https' || (scheme !== 'http' && /^(https|wss)\b/i.test(scheme)) ? '443' : '80'
}

/** Methods for which `Max-Forwards` counts the intermediaries (RFC 9110, section 7.6.2). */
export function countsHops(method: string): boolean {
  return method === 'OPTIONS' || method === 'TRACE'
}

/** `Max-Forwards` for the next hop; a value that is not a number goes on unchanged. */
function hopsLeft(value: string): string {
  return isDigits(value) ? String(Math.min(Math.max(0, Number(value) - 1), MAX_HOPS)) : value
}

/**
 * Whether the client takes trailers. `TE` belongs to one connection, so that a `TE` that `Connection` does not name comes
 * from a hop that did not know it (RFC 9110, section 10.1.4).
 */
function takesTrailers(te: string, connection: string): boolean {
  return members(te).includes('trailers') && members(connection).includes('te')
}

function members(list: string): string[] {
  return list
    .toLowerCase()
    .split(',')
    .map((member) => member.trim())
}
