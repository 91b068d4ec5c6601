import type { Attempt } from '../../core/attempt.ts'
import { hostOf } from '../../lib/authority.ts'

/** Characters that do not occur in URLs and that browsers read as others: such a reference is left alone. */
const ODD = /[\x00-\x20\\\x7f]/
const WITH_AUTHORITY = /^(?:(https?):)?\/\/([^/?#]*)(.*)$/i
/**
 * `Refresh: 5; url=/x`, the URL in quotes or not, `url=` or not. No standard defines it (HTML defines its `meta` form). No
 * part begins with a character that the part before may end with: otherwise a long value would take quadratic time.
 */
const REFRESH =
  /^([ \t]*\d+(?:\.\d*)?(?:[ \t]*[;,][ \t]*|[ \t]+)(?:url[ \t]*=[ \t]*)?)("[^"]*"|'[^']*'|[^"' \t][^ \t]*)([ \t]*)$/i
/** Segments of one or two dots as browsers read them (WHATWG URL), to which `%2e` is a dot. */
const DOTS = /\/(?:\.|%2e){1,2}(?=\/|$)/i
const ONE_DOT = /^(?:\.|%2e)$/i
const TWO_DOTS = /^(?:\.|%2e){2}$/i

/** Changes the URL in a value of Refresh; a value without a recognisable URL stays. */
export function refreshed(value: string, change: (reference: string) => string): string {
  const parts = REFRESH.exec(value)
  if (parts === null) return value
  const [, before = '', url = '', after = ''] = parts
  const quote = url.startsWith('"') || url.startsWith("'") ? url.charAt(0) : ''
  return before + quote + change(quote === '' ? url : url.slice(1, -1)) + quote + after
}

/** The path (with query and fragment) of a reference that names exactly the endpoint of `at`; undefined: it does not. */
export function pathAtEndpoint(reference: string, at: Attempt): string | undefined {
  const parts = WITH_AUTHORITY.exec(reference)
  if (parts === null || ODD.test(reference)) return undefined
  const [, scheme, authority = '', rest = ''] = parts
  // `http://address:port`, while the authority is the name that was configured.
  const own = at.endpoint.indexOf('://')
  const ours = at.endpoint.slice(0, own)
  const named = placeOf(authority, (scheme ?? ours).toLowerCase())
  if (named === undefined) return undefined
  if (named !== placeOf(at.authority, ours) && named !== placeOf(at.endpoint.slice(own + 3), ours)) return undefined
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** Whether the reference is a path from the root, and nothing that browsers read as another host. */
export function isPath(reference: string): boolean {
  return reference.startsWith('/') && !reference.startsWith('//') && !ODD.test(reference)
}

/** A path as browsers resolve it: appended to a prefix as it came, its dot segments would climb out of that. */
export function resolved(path: string): string {
  if (!DOTS.test(path)) return path
  const kept: string[] = []
  const segments = path.split('/')
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i] as string
    const climbs = TWO_DOTS.test(segment)
    if (climbs) kept.pop()
    if (!climbs && !ONE_DOT.test(segment)) kept.push(segment)
    else if (i === segments.length - 1) kept.push('')
  }
  return `/${kept.join('/')}`
}

/** Host and port in one form; undefined: not an authority. */
function placeOf(authority: string, scheme: string): string | undefined {
  const host = hostOf(authority)
  if (host === undefined) return undefined
  const port = /:(\d+)$/.exec(authority)?.[1] ?? (scheme === 'https' ? '443' : '80')
  return `${host}:${Number(port)}`
}
