import type { MatchConfig, PathPattern, ValueCondition } from '../../../../src/core/config.ts'
import type { RoutableConfig } from '../../../../src/data/routing/match.ts'
import type { LookUp } from '../../../../src/data/routing/search.ts'

/**
 * The rules of precedence, read off the design as plainly as can be: test every path of every match of every route, keep
 * what matches, sort. Slow, and that is its point.
 */
export function reference(
  routes: readonly RoutableConfig[],
  lookUp: LookUp,
): { value: string; params: readonly string[] } | { allow: readonly string[] } | undefined {
  const candidates = routes.flatMap((route) =>
    route.match.flatMap((match) =>
      (match.hosts.length === 0 ? [undefined] : match.hosts).flatMap((host) =>
        (match.paths.length === 0 ? [ANY] : match.paths).map((path) => ({ route, match, host, path })),
      ),
    ),
  )
  const reachable = candidates.filter(
    ({ match, host, path }) =>
      hostMatches(host, lookUp.host) && pathMatches(path, lookUp.path) && fieldsMatch(match, lookUp),
  )
  const found = reachable.filter(({ match }) => methodRank(match, lookUp.method) < 3)
  const allow = new Set(reachable.flatMap(({ match }) => match.methods))
  if (allow.has('GET')) allow.add('HEAD')
  if (found.length === 0) return allow.size === 0 ? undefined : { allow: [...allow].sort() }
  const key = ({ route, match, host, path }: (typeof found)[number]): (number | string)[] => [
    -route.precedence,
    host === undefined ? 2 : host.startsWith('*.') ? 1 : 0,
    -(host?.length ?? 0),
    pathKey(path),
    methodRank(match, lookUp.method),
    match.listeners.length === 0 ? 1 : 0,
    -(match.headers.length + match.query.length),
    route.name,
  ]
  found.sort((a, b) => compare(key(a), key(b)))
  const best = found[0] as (typeof found)[number]
  const names = [...new Set(best.route.match.flatMap((match) => match.paths.flatMap((path) => namesOf(path))))]
  const sent = lookUp.path.split('/').slice(1)
  const captured = new Map<string, string>()
  if (best.path.kind === 'segments') {
    best.path.segments.forEach((segment, i) => {
      if ('param' in segment) captured.set(segment.param, sent[i] as string)
    })
  }
  return { value: best.route.name, params: names.map((name) => captured.get(name) ?? '') }
}

const ANY: PathPattern = { kind: 'segments', source: '/*', segments: [], prefix: true }

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (let i = 0; i < a.length; i++) {
    if (a[i] !== b[i]) return (a[i] as number) < (b[i] as number) ? -1 : 1
  }
  return 0
}

function hostMatches(pattern: string | undefined, host: string): boolean {
  if (pattern === undefined) return true
  if (!pattern.startsWith('*.')) return pattern === host
  return host.endsWith(pattern.slice(1)) && host.length > pattern.length - 1
}

function pathMatches(pattern: PathPattern, path: string): boolean {
  if (pattern.kind === 'regex') return new RegExp(`^(?:${pattern.source})$`).test(path)
  const sent = path.split('/').slice(1)
  const { segments, prefix } = pattern
  if (prefix ? sent.length < segments.length : sent.length !== segments.length) return false
  return segments.every((segment, i) => ('param' in segment ? sent[i] !== '' : sent[i] === segment.literal))
}

/** One letter a segment, so that comparing texts compares segment by segment; the end comes before `*`. */
function pathKey(pattern: PathPattern): string {
  if (pattern.kind === 'regex') return 'r'
  return pattern.segments.map((segment) => ('param' in segment ? 'b' : 'a')).join('') + (pattern.prefix ? 'c' : '')
}

function methodRank(match: MatchConfig, method: string): number {
  if (match.methods.includes(method)) return 0
  if (method === 'HEAD' && match.methods.includes('GET')) return 1
  return match.methods.length === 0 ? 2 : 3
}

function fieldsMatch(match: MatchConfig, lookUp: LookUp): boolean {
  const query = [...new URLSearchParams(lookUp.query)]
  const headers: [string, string][] = []
  for (let i = 0; i < lookUp.headers.length; i += 2) {
    headers.push([(lookUp.headers[i] as string).toLowerCase(), lookUp.headers[i + 1] as string])
  }
  return (
    (match.listeners.length === 0 || match.listeners.includes(lookUp.listener)) &&
    match.headers.every((condition) => holds(condition, headers)) &&
    match.query.every((condition) => holds(condition, query))
  )
}

function holds({ name, op, value }: ValueCondition, pairs: readonly [string, string][]): boolean {
  const values = pairs.filter(([key]) => key === name).map(([, text]) => text)
  if (op === 'absent') return values.length === 0
  return values.some((text) => op === 'present' || text === value)
}

function namesOf(path: PathPattern): string[] {
  return path.kind === 'regex' ? [] : path.segments.flatMap((segment) => ('param' in segment ? [segment.param] : []))
}
