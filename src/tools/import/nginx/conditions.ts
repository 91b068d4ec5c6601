import type { Directive } from './parse.ts'
import { isRedirect } from './redirects.ts'

/** When the `if` of a server sends requests elsewhere. */
export type Condition =
  /** This host. */
  | { readonly host: string }
  /** Without TLS. */
  | { readonly plain: true }

/**
 * Reads the `if` with which a server redirects one of its names, as certbot writes it, or what came without TLS. `beside`:
 * the directives of its server. Undefined: it is another one.
 */
export function redirectCondition(
  { args, block = [], name }: Directive,
  beside: readonly Directive[],
): Condition | undefined {
  const [only, ...more] = block
  const redirects = only?.name === 'rewrite' ? isRedirect(only) : only?.name === 'return' && isElsewhere(only)
  if (name !== 'if' || more.length > 0 || !redirects) return undefined
  const [, variable, operator, value] = /^\(\s*(\$\w+)\s*(!?=)\s*(\S*?)\s*\)$/.exec(args.join(' ')) ?? []
  if (variable === '$scheme' && `${operator}${value}` === '=http') return { plain: true }
  if (variable === '$scheme' && `${operator}${value}` === '!=https') return { plain: true }
  if (variable !== '$host' || operator !== '=' || value === undefined) return undefined
  const isName = beside.some((other) => other.name === 'server_name' && other.args.includes(value))
  return isName ? { host: value.toLowerCase() } : undefined
}

function isElsewhere({ args: [status = '', url] }: Directive): boolean {
  return /^30[12378]$/.test(status) && url !== undefined
}
