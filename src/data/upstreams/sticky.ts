import { createHmac } from 'node:crypto'
import type { StickyConfig } from '../../core/config.ts'
import type { Exchange } from '../../core/exchange.ts'
import { cookieValue } from '../../lib/cookies.ts'
import type { Endpoint } from './endpoint.ts'
import { StickyMark } from './sticky-mark.ts'

/** Bytes of a cookie's value: too many to guess. */
const VALUE_BYTES = 18

/**
 * Ties clients to endpoints by a cookie. Its value is a keyed hash (HMAC-SHA256) of the endpoint's identity: it names the
 * endpoint to gateways that have the key, hides the address from all others, and cannot be forged.
 */
export class Sticky {
  private readonly config: StickyConfig
  private readonly upstream: string
  private readonly endpoints = new Map<string, Endpoint>()

  constructor(config: StickyConfig, upstream: string) {
    this.config = config
    this.upstream = upstream
  }

  /** All present endpoints: each gets its mark. */
  update(endpoints: Iterable<Endpoint>): void {
    this.endpoints.clear()
    for (const endpoint of endpoints) {
      const value = this.value(endpoint.id)
      this.endpoints.set(value, endpoint)
      endpoint.sticky = new StickyMark(this.config, value)
    }
  }

  /** The endpoint that the request's cookie names; undefined: it has none, a bad one, or the endpoint is gone. */
  find(ex: Exchange): Endpoint | undefined {
    const value = cookieValue(ex.headers, this.config.cookie)
    return value === undefined ? undefined : this.endpoints.get(value)
  }

  private value(id: string): string {
    return createHmac('sha256', this.config.secret.text)
      .update(`${this.upstream}\0${id}`)
      .digest()
      .subarray(0, VALUE_BYTES)
      .toString('base64url')
  }
}
