import { PrefixReplacement } from '../../http/paths.ts'

/**
 * The first rule that fits; `to` of a domain undefined: the attribute is removed, and the cookie belongs to the host that
 * answers.
 */
export interface CookieRules {
  readonly path?: readonly { readonly from: string; readonly to: string }[] | undefined
  readonly domain?: readonly { readonly from: string; readonly to: string | undefined }[] | undefined
}

/** Changes Path and Domain of Set-Cookie; the rest stays octet for octet. */
export class CookieRewrite {
  private readonly paths: readonly PrefixReplacement[]
  private readonly domains: ReadonlyMap<string, string | undefined>

  constructor({ path = [], domain = [] }: CookieRules) {
    this.paths = path.map(({ from, to }) => new PrefixReplacement(from, to))
    this.domains = new Map(domain.toReversed().map(({ from, to }) => [domainOf(from), to]))
  }

  apply(value: string): string {
    const [pair = '', ...attributes] = value.split(';')
    const kept = attributes.map((attribute) => this.attribute(attribute)).filter((text) => text !== undefined)
    return [pair, ...kept].join(';')
  }

  /** undefined: the attribute is removed. */
  private attribute(text: string): string | undefined {
    const equals = text.indexOf('=')
    if (equals === -1) return text
    const value = text.slice(equals + 1).trim()
    switch (text.slice(0, equals).trim().toLowerCase()) {
      case 'path': {
        const path = this.path(value)
        return path === undefined ? text : `${text.slice(0, equals)}=${path}`
      }
      case 'domain': {
        const domain = domainOf(value)
        if (!this.domains.has(domain)) return text
        const to = this.domains.get(domain)
        return to === undefined ? undefined : `${text.slice(0, equals)}=${to}`
      }
      default:
        return text
    }
  }

  private path(value: string): string | undefined {
    // Others count as none (RFC 6265, section 5.2.4).
    if (!value.startsWith('/')) return undefined
    for (const rule of this.paths) {
      const path = rule.apply(value)
      if (path !== undefined) return path
    }
    return undefined
  }
}

/** A leading dot has no meaning (RFC 6265, section 5.2.3). */
function domainOf(text: string): string {
  return (text.startsWith('.') ? text.slice(1) : text).toLowerCase()
}
