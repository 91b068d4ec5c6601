import type { MatchConfig, PathPattern, ValueCondition } from '../../src/core/config.ts'
import type { RoutableConfig } from '../../src/data/routing/match.ts'
import type { LookUp } from '../../src/data/routing/search.ts'
import { type RouteTable, RouteTableBuilder } from '../../src/data/routing/table.ts'
import { FieldNames } from '../../src/lib/headers.ts'

/** A match in short form; what is left out matches anything. */
export interface ShortMatch {
  readonly listeners?: readonly string[]
  readonly hosts?: readonly string[]
  /** `/users/{id}`, `/orders/*`, or a regular expression after `~`. */
  readonly paths?: readonly string[]
  readonly methods?: readonly string[]
  readonly headers?: readonly ValueCondition[]
  readonly query?: readonly ValueCondition[]
}

/** A pattern as the config makes it, without any check. */
export function pattern(source: string): PathPattern {
  if (source.startsWith('~')) return { kind: 'regex', source: source.slice(1) }
  const prefix = source.endsWith('/*')
  const bare = prefix ? source.slice(0, -2) : source
  const segments = bare
    .split('/')
    .slice(1)
    .map((text) => (text.startsWith('{') ? { param: text.slice(1, -1) } : { literal: text }))
  return { kind: 'segments', source, segments, prefix }
}

export function match({
  listeners = [],
  hosts = [],
  paths = [],
  methods = [],
  headers = [],
  query = [],
}: ShortMatch): MatchConfig {
  return { listeners, hosts, paths: paths.map(pattern), methods, headers, query }
}

export function route(
  name: string,
  matches: ShortMatch | readonly ShortMatch[],
  precedence = 0,
  encodedSlashes: RoutableConfig['encodedSlashes'] = 'check',
): RoutableConfig {
  const list = 'length' in matches ? matches : [matches]
  return { name, match: (list as readonly ShortMatch[]).map(match), precedence, encodedSlashes }
}

/** A table whose values are the routes' names. */
export function table(routes: readonly RoutableConfig[]): RouteTable<string> {
  const builder = new RouteTableBuilder<string>(new FieldNames())
  for (const config of routes) builder.add(config, config.name)
  return builder.build()
}

/** A look-up of `GET path?query` on `host`. */
export function lookUp(target: string, rest: Partial<Omit<LookUp, 'path' | 'query'>> = {}): LookUp {
  const mark = target.indexOf('?')
  const path = mark === -1 ? target : target.slice(0, mark)
  return {
    host: 'example.com',
    method: 'GET',
    headers: [],
    listener: 'web',
    ...rest,
    path,
    query: target.slice(path.length),
  }
}
