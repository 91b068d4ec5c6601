import type { StickyConfig } from '../../core/config.ts'
import type { Exchange } from '../../core/exchange.ts'
import { cookieValue } from '../../lib/cookies.ts'

/** The cookie that names one endpoint. */
export class StickyMark {
  private readonly name: string
  private readonly value: string
  private readonly field: string

  constructor({ cookie, maxAge }: StickyConfig, value: string) {
    this.name = cookie
    this.value = value
    this.field = `${cookie}=${value}; Path=/; HttpOnly; SameSite=Lax${maxAge === undefined ? '' : `; Max-Age=${maxAge}`}`
  }

  /** Adds Set-Cookie unless the client sent this very cookie. `headers`: of the answer that the endpoint gave. */
  mark(ex: Exchange, headers: string[]): void {
    if (cookieValue(ex.headers, this.name) === this.value) return
    headers.push('set-cookie', ex.downstream.peer.secure ? `${this.field}; Secure` : this.field)
  }
}
