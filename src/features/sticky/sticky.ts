import { createHmac } from 'node:crypto'
import type { Exchange } from '../../core/exchange.ts'
import type { EndpointPart, EndpointView, EquippedEndpoint, UpstreamPart } from '../../core/upstream-part.ts'
import { cookieValue } from '../../lib/cookies.ts'
import type { StickyOptions } from './keys.ts'

/** Bytes of a cookie's value: too many to guess. */
const VALUE_BYTES = 18

/**
 * Ties clients to endpoints by a cookie. Its value is a keyed hash (HMAC-SHA256) of the endpoint's identity: it names the
 * endpoint to those who have the key, tells others nothing about where that is, and cannot be forged.
 */
export class Sticky implements UpstreamPart {
  private readonly options: StickyOptions
  private readonly upstream: string
  private tied: ReadonlyMap<string, EndpointView> = new Map()

  constructor(options: StickyOptions, upstream: string) {
    this.options = options
    this.upstream = upstream
  }

  endpoints(all: readonly EquippedEndpoint[]): readonly EndpointPart[] {
    const values = all.map(({ endpoint }) => this.value(endpoint.id))
    this.tied = new Map(all.map(({ endpoint }, i) => [values[i] as string, endpoint]))
    return values.map((value) => new Mark(this.options, value))
  }

  /** undefined: the request has no cookie, a bad one, or its endpoint is gone. */
  ties(ex: Exchange): EndpointView | undefined {
    const value = cookieValue(ex.headers, this.options.cookie)
    return value === undefined ? undefined : this.tied.get(value)
  }

  private value(id: string): string {
    return createHmac('sha256', this.options.secret.text)
      .update(`${this.upstream}\0${id}`)
      .digest()
      .subarray(0, VALUE_BYTES)
      .toString('base64url')
  }
}

/** The cookie that names one endpoint. */
class Mark implements EndpointPart {
  private readonly name: string
  private readonly value: string
  private readonly field: string

  constructor({ cookie, maxAge }: StickyOptions, value: string) {
    this.name = cookie
    this.value = value
    this.field = `${cookie}=${value}; Path=/; HttpOnly; SameSite=Lax${maxAge === undefined ? '' : `; Max-Age=${maxAge}`}`
  }

  /** Adds Set-Cookie unless the client sent this very cookie. An answer that failed ties no client. */
  answers(ex: Exchange, status: number, headers: string[]): void {
    if (status >= 500 || cookieValue(ex.headers, this.name) === this.value) return
    headers.push('set-cookie', ex.downstream.peer.secure ? `${this.field}; Secure` : this.field)
  }
}
