import type { Draft } from '../common/draft.ts'
import { convertRegex, widened } from '../common/regex.ts'
import type { Directive } from './parse.ts'
import { closedWith } from './restrictions.ts'
import { Scope } from './scope.ts'

/** One location of a server, in the words of a route. */
export interface Location {
  readonly directive: Directive
  readonly scope: Scope
  /** As nginx has it, without its modifier. */
  readonly uri: string
  readonly kind: 'exact' | 'prefix' | 'regex'
  /** Of `match.paths`. */
  readonly paths: string[]
  /** What else nginx takes, whose prefixes need not end with a segment; undefined: nothing. */
  readonly beyond: string | undefined
  /** Higher ones win within the server. */
  readonly level: number
}

/** A location before it is ranked. */
interface Found extends Omit<Location, 'level'> {
  /** `^~`: regular expressions are not asked. */
  readonly isFinal: boolean
}

/**
 * The locations of a server, nested ones beside the others. nginx takes an exact one, else remembers the longest prefix,
 * takes it if it is `^~`, else the first regular expression that matches, else the prefix. Sluice ranks prefixes so by
 * itself, but regular expressions last: where there are some, they and what comes before them get a level.
 */
export function locationsOf(server: Scope, draft: Draft): readonly Location[] {
  const all = server.own.flatMap((directive) =>
    directive.name === 'location' ? collect(directive, server, draft) : [],
  )
  const found = all.flatMap((location) => besideSlash(location, all, draft))
  const regexes = found.filter(({ kind }) => kind === 'regex')
  const finals = found.filter(({ isFinal }) => isFinal)
  const closed = found.filter(({ beyond, scope }) => beyond !== undefined && closedWith(scope) !== undefined)
  return found.map((location) => {
    const { directive, kind, uri } = location
    const leave = (why: string): void => draft.leave(directive, `location ${uri}`, why)
    // What is closed beyond whole segments needs a level, and what is open within that the same one.
    const beside = closed.find(
      (other) => uri !== other.uri && uri.startsWith(other.uri) && !uri.startsWith(`${other.uri}/`),
    )
    if (regexes.length === 0) return { ...location, level: kind !== 'regex' && beside !== undefined ? 1 : 0 }
    if (kind === 'regex') return { ...location, level: regexes.length - regexes.indexOf(location) }
    const inFinal = kind === 'prefix' && finals.some((final) => final !== location && uri.startsWith(final.uri))
    if (inFinal && !location.isFinal)
      leave('carried over, but regular expressions do not come before it: it is in a ^~')
    if (kind === 'prefix' && beside !== undefined && !location.isFinal && !inFinal)
      leave('carried over, but regular expressions do not come before it: what is closed beside it does not either')
    const isFirst = kind === 'exact' || location.isFinal || inFinal || beside !== undefined
    return { ...location, level: isFirst ? regexes.length + 1 : 0 }
  })
}

/** The level of what must come before all locations but exact and final ones. */
export function topLevel(locations: readonly Location[]): number {
  return 1 + locations.filter(({ kind }) => kind === 'regex').length
}

/** Of `/api` only the path itself is left where `/api/` is there, too. */
function besideSlash(location: Found, all: readonly Found[], draft: Draft): readonly Found[] {
  const { directive, kind, uri } = location
  if (kind !== 'prefix' || !all.some((other) => other.kind === 'prefix' && other.uri === `${uri}/`)) return [location]
  if (!all.some((other) => other.kind === 'exact' && other.uri === uri)) return [{ ...location, paths: [pathOf(uri)] }]
  const why = `what = ${uri} and ${uri}/ leave of it is not in whole segments`
  draft.leave(directive, `location ${uri}`, why + opened(location.scope))
  return []
}

function collect(directive: Directive, outer: Scope, draft: Draft): readonly Found[] {
  const scope = new Scope(directive.block ?? [], outer)
  const nested = scope.own.flatMap((inner) => {
    if (inner.name !== 'location') return []
    if (!/^~\*?$/.test(inner.args[0] ?? '')) return collect(inner, scope, draft)
    const why = 'a regular expression within a location is not read'
    draft.leave(inner, `location ${inner.args.join(' ')}`, why + opened(new Scope(inner.block ?? [], scope)))
    return []
  })
  const own = convert(directive, scope, draft)
  return own === undefined ? nested : [own, ...nested]
}

function convert(directive: Directive, scope: Scope, draft: Draft): Found | undefined {
  const [, modifier = '', uri = ''] = /^(=|\^~|~\*?|)\s*([\s\S]*)$/.exec(directive.args.join(' ')) ?? []
  const base = { directive, scope, uri, isFinal: modifier === '^~', beyond: undefined }
  const leave = (why: string): void => draft.leave(directive, `location ${directive.args.join(' ')}`, why)
  if (uri.startsWith('@')) {
    leave('named locations are not read')
    return undefined
  }
  if (modifier.startsWith('~')) {
    const anyCase = modifier === '~*'
    const converted = convertRegex(uri, anyCase)
    if ('path' in converted) return { ...base, kind: 'regex', paths: [converted.path] }
    // What is closed may be wider, never narrower.
    const wider = closedWith(scope) === undefined ? converted : convertRegex(widened(uri), anyCase)
    if ('path' in wider) {
      leave('carried over without what looks around: it turns away more than before')
      return { ...base, kind: 'regex', paths: [wider.path] }
    }
    leave(converted.problem + opened(scope))
    return undefined
  }
  if (!/^\/[^*\\\x00-\x1f]*$/.test(uri)) {
    leave(`these characters have no place in a path${opened(scope)}`)
    return undefined
  }
  if (modifier === '=') return { ...base, kind: 'exact', paths: [pathOf(uri)] }
  const paths = [`${pathOf(uri.replace(/\/+$/, ''))}/*`]
  if (uri.endsWith('/')) return { ...base, kind: 'prefix', paths }
  const beyond = `~ ^${pathOf(uri).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}[^/].*$`
  if (closedWith(scope) === undefined)
    leave(`carried over, but nginx also takes all that starts so, such as ${uri}x; Sluice whole segments`)
  return { ...base, kind: 'prefix', paths, beyond }
}

/** What a path that is not carried over leaves open; empty: nothing. */
function opened(scope: Scope): string {
  return closedWith(scope) === undefined ? '' : '; nginx turns requests away here, Sluice does not'
}

/** nginx compares what was decoded, Sluice what is encoded. */
export function pathOf(uri: string): string {
  return encodeURI(uri).replaceAll('?', '%3F').replaceAll('#', '%23')
}
