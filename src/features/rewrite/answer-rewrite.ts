import type { Exchange } from '../../core/exchange.ts'
import { PathPrefix, type PrefixReplacement } from '../../http/paths.ts'
import { fieldValue, isNamed } from '../../lib/headers.ts'
import { CookieRewrite, type CookieRules } from './cookie-rewrite.ts'
import { isPath, pathAtEndpoint, refreshed, resolved } from './references.ts'

export interface AnswerRules {
  /** undefined: references stay. */
  readonly redirects: 'own' | 'paths' | undefined
  readonly cookies: CookieRules | undefined
  /** The replacement of a prefix of the request's path. */
  readonly prefix: PrefixReplacement | undefined
}

/** Rewrites references in an answer from places at its upstream to places that the client can reach. */
export class AnswerRewrite {
  private readonly redirects: AnswerRules['redirects']
  private readonly cookies: CookieRewrite | undefined
  private readonly prefix: PrefixReplacement | undefined

  constructor({ redirects, cookies, prefix }: AnswerRules) {
    this.redirects = redirects
    this.cookies = cookies === undefined ? undefined : new CookieRewrite(cookies)
    this.prefix = prefix
  }

  /** Changes the head of an upstream's answer in place. */
  apply(ex: Exchange): void {
    const { cookies, redirects } = this
    const { headers } = ex.response as { headers: string[] }
    for (let i = 0; i < headers.length; i += 2) {
      const name = headers[i] as string
      switch (name.length) {
        case 7:
          if (redirects !== undefined && isNamed(name, 'refresh'))
            headers[i + 1] = refreshed(headers[i + 1] as string, (reference) => this.reference(reference, ex))
          break
        case 8:
          if (redirects !== undefined && isNamed(name, 'location'))
            headers[i + 1] = this.reference(headers[i + 1] as string, ex)
          break
        case 10:
          if (cookies !== undefined && isNamed(name, 'set-cookie'))
            headers[i + 1] = cookies.apply(headers[i + 1] as string)
          break
        case 16:
          if (redirects !== undefined && isNamed(name, 'content-location'))
            headers[i + 1] = this.reference(headers[i + 1] as string, ex)
      }
    }
  }

  private reference(reference: string, ex: Exchange): string {
    if (ex.attempt === undefined) return reference
    const own = pathAtEndpoint(reference, ex.attempt)
    if (own === undefined && (this.redirects !== 'paths' || !isPath(reference))) return reference
    const path = this.back(own ?? reference, ex)
    // At the beginning of a reference two slashes stand before a host.
    return path.startsWith('//') ? `/.${path}` : path
  }

  /** The path by which the client reaches what the upstream calls `path`. */
  private back(path: string, ex: Exchange): string {
    const { prefix } = this
    if (prefix === undefined || prefix.apply(ex.path) === undefined) return path
    const end = path.search(/[?#]/)
    const bare = resolved(end === -1 ? path : path.slice(0, end))
    const rest = end === -1 ? '' : path.slice(end)
    if (prefix.strips && this.knows(bare, ex)) return bare + rest
    return (prefix.revert(bare) ?? bare) + rest
  }

  /** The upstream has added the prefix itself, as X-Forwarded-Prefix asks. */
  private knows(path: string, ex: Exchange): boolean {
    const told = fieldValue(ex.forwardHeaders ?? [], 'x-forwarded-prefix')
    return this.prefix?.stands(path) === true || (told !== undefined && new PathPrefix(told).rest(path) !== undefined)
  }
}
