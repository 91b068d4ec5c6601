import { hostOf } from '../../lib/authority.ts'
import { type Problem, parsed } from '../../schema/scalars.ts'
import type { Schema } from '../../schema/schema.ts'

/** An `Origin` of the config, in lower case. `scheme`: with `://`, empty: any; then any port, too. */
export interface OriginPattern {
  readonly scheme: string
  /** Exact, or `.example.com` for all names below it; with the port, if there is one. */
  readonly host: string
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http://': ':80', 'https://': ':443' }
const ORIGIN = /^([a-z][a-z0-9+.-]*:\/\/)?(\*(?=\.))?(.+?)(:\d{1,5})?$/

/** What a browser may send as `Origin`. */
export function originPattern(): Schema<OriginPattern> {
  return parsed('an origin such as https://shop.example.com, https://*.example.com or *.example.com', (text) =>
    readOrigin(text.toLowerCase()),
  )
}

function readOrigin(text: string): OriginPattern | Problem {
  if (text === 'null') return { scheme: '', host: text }
  if (text === '*') return { problem: 'for any origin leave the key out' }
  const [, scheme = '', wildcard, rest = '', port = ''] = ORIGIN.exec(text) ?? []
  if (scheme !== '' && /[/?#]/.test(rest)) return { problem: 'an origin ends behind the host and its port' }
  if (rest.includes('*')) return { problem: '* stands only for whole labels at the start' }
  const host = hostOf((wildcard === undefined ? rest : rest.slice(1)) + port)
  if (host === undefined) return { problem: '' }
  if (scheme === '' && port !== '') return { problem: `write the scheme, too: https://${text}` }
  return { scheme, host: (wildcard === undefined ? host : `.${host}`) + (DEFAULT_PORTS[scheme] === port ? '' : port) }
}

/** Tells whether an `Origin` is one of those of a route. */
export class Origins {
  private readonly exact: ReadonlySet<string>
  private readonly hosts: ReadonlySet<string>
  private readonly below: readonly OriginPattern[]

  constructor(patterns: readonly OriginPattern[]) {
    const isExact = ({ host }: OriginPattern): boolean => !host.startsWith('.')
    const exact = patterns.filter(isExact)
    this.exact = new Set(exact.filter(({ scheme, host }) => scheme !== '' || host === 'null').map(textOf))
    // The origin `null` is no host of that name.
    this.hosts = new Set(exact.filter(({ scheme, host }) => scheme === '' && host !== 'null').map(({ host }) => host))
    this.below = patterns.filter((pattern) => !isExact(pattern))
  }

  has(origin: string): boolean {
    const text = origin.toLowerCase()
    if (this.exact.has(text)) return true
    const start = text.indexOf('://') + 3
    const authority = text.slice(start)
    // Neither a path nor a second name may look like a host.
    const host = start < 4 ? undefined : hostOf(authority)
    if (host === undefined) return false
    if (this.hosts.has(host)) return true
    for (const pattern of this.below) {
      const { scheme } = pattern
      const one = scheme === '' ? host : authority
      if (text.startsWith(scheme) && one.length > pattern.host.length && one.endsWith(pattern.host)) return true
    }
    return false
  }
}

function textOf({ scheme, host }: OriginPattern): string {
  return scheme + host
}
