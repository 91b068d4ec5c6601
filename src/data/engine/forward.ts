import type { Exchange } from '../../core/exchange.ts'
import type { ConfigHead } from '../../core/protocol.ts'
import { type FieldKinds, Kind, removeNamed, requestKinds } from './fields.ts'

const MAX_OFFERED_DIGITS = 9

/** Makes the head fields that upstreams get: the client's end-to-end fields in their order, then ours. */
export class Forwarder {
  private readonly kinds: FieldKinds
  private readonly correlation: readonly string[]
  private readonly via: string
  private readonly name: string

  constructor(head: Pick<ConfigHead, 'gateway' | 'correlation'>) {
    this.kinds = requestKinds(head.correlation.headers)
    this.correlation = head.correlation.headers
    this.name = head.gateway.name
    this.via = `1.1 ${head.gateway.name}`
  }

  /** Our own name stands in `Via`: the request has been here before (RFC 9110, section 7.6.3). */
  loops(ex: Exchange): boolean {
    const headers = ex.headers
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string
      if (name.length === 3 && name.toLowerCase() === 'via' && this.names(headers[i + 1] as string)) return true
    }
    return false
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
          if (value.toLowerCase().includes('trailers')) out.push(name, 'trailers')
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
        case Kind.offeredTimeout:
          if (trusted && wholeNumber(value) > 0) ex.offeredMs = Math.min(ex.offeredMs, wholeNumber(value))
          break
      }
    }
    if (connection !== '') removeNamed(out, connection)
    out.push(
      'x-forwarded-for',
      forwardedFor === '' ? peer.address : `${forwardedFor}, ${peer.address}`,
      'x-forwarded-proto',
      proto === '' ? (peer.secure ? 'https' : 'http') : proto,
      'x-forwarded-host',
      host === '' ? downstream.authority : host,
      'x-forwarded-port',
      port === '' ? String(peer.localPort) : port,
      'via',
      via === '' ? this.via : `${via}, ${this.via}`,
    )
    // Of a sampled trace each try has a span of its own, see `Trace.tried`.
    if (ex.trace?.sampled !== true) out.push('traceparent', ex.traceparent)
    if (ex.tracestate !== undefined) out.push('tracestate', ex.tracestate)
    for (const name of this.correlation) out.push(name, ex.correlationId)
    return out
  }

  private names(via: string): boolean {
    return via.split(',').some(
      (member) =>
        member
          .trim()
          .split(/[ \t]+/)[1]
          ?.toLowerCase() === this.name.toLowerCase(),
    )
  }
}

/** A decimal number of at most nine digits; 0 for anything else. */
function wholeNumber(text: string): number {
  if (text.length === 0 || text.length > MAX_OFFERED_DIGITS) return 0
  let value = 0
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return 0
    value = value * 10 + digit
  }
  return value
}
