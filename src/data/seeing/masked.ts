import type { Exchange } from '../../core/exchange.ts'

const AMPERSAND = 38

/**
 * The query, `?` included, with `***` in place of the values of all keys except the shown ones. Keys are compared as sent.
 */
export function maskedQuery(query: string, shown: ReadonlySet<string>): string {
  let out = '?'
  let start = 1
  for (let i = 1; i <= query.length; i++) {
    if (i < query.length && query.charCodeAt(i) !== AMPERSAND) continue
    const equals = query.indexOf('=', start)
    if (equals === -1 || equals >= i || shown.has(query.slice(start, equals))) out += query.slice(start, i)
    else out += `${query.slice(start, equals)}=***`
    if (i < query.length) out += '&'
    start = i + 1
  }
  return out
}

/** The path as matched; for a target that was refused before it had a normal form, as sent. Without the query. */
export function loggedPath({ downstream: { target }, path }: Exchange): string {
  if (path !== '') return path
  const query = target.indexOf('?')
  return withoutUser(query === -1 ? target : target.slice(0, query))
}

/** An absolute form may hold a password, which is one reason to refuse it. */
function withoutUser(target: string): string {
  const at = target.lastIndexOf('@')
  if (at === -1 || target.startsWith('/')) return target
  const slashes = target.indexOf('//')
  const start = slashes === -1 || slashes > at ? 0 : slashes + 2
  return `${target.slice(0, start)}***${target.slice(at)}`
}
