import type { MatchConfig, PathPattern, ValueCondition } from '../../core/config.ts'
import { type Conditions, compileConditions, fieldsHold } from '../../data/routing/match.ts'
import type { LookUp } from '../../data/routing/search.ts'
import { type RouteTable, RouteTableBuilder } from '../../data/routing/table.ts'
import type { FieldNames } from '../../lib/headers.ts'
import { parseQuery } from '../../lib/query.ts'

const ANY: MatchConfig = { listeners: [], hosts: [], paths: [], methods: [], headers: [], query: [] }

/** Asks for single conditions of matches, with the machinery that decides over whole ones. Compiled at first use. */
export class Probes {
  private readonly names: FieldNames
  private readonly hosts = new Map<string, RouteTable<true>>()
  private readonly paths = new Map<string, RouteTable<true>>()
  private readonly conditions = new Map<ValueCondition, Conditions>()

  constructor(names: FieldNames) {
    this.names = names
  }

  host(pattern: string, lookUp: LookUp): boolean {
    const table = kept(this.hosts, pattern, () => this.table({ ...ANY, hosts: [pattern] }))
    return this.holds(table, lookUp)
  }

  path(pattern: PathPattern, lookUp: LookUp): boolean {
    const table = kept(this.paths, `${pattern.kind} ${pattern.source}`, () => this.table({ ...ANY, paths: [pattern] }))
    return this.holds(table, lookUp)
  }

  header(condition: ValueCondition, lookUp: LookUp): boolean {
    const one = kept(this.conditions, condition, () => compileConditions({ ...ANY, headers: [condition] }))
    return fieldsHold(one, lookUp.headers, this.names, NO_PAIRS)
  }

  query(condition: ValueCondition, lookUp: LookUp): boolean {
    const one = kept(this.conditions, condition, () => compileConditions({ ...ANY, query: [condition] }))
    return fieldsHold(one, [], this.names, () => parseQuery(lookUp.query))
  }

  private table(match: MatchConfig): RouteTable<true> {
    const builder = new RouteTableBuilder<true>(this.names)
    builder.add({ name: '', match: [match], precedence: 0, encodedSlashes: 'check' }, true)
    return builder.build()
  }

  private holds(table: RouteTable<true>, lookUp: LookUp): boolean {
    const found = table.find(lookUp, undefined)
    return found !== undefined && 'value' in found
  }
}

const NO_PAIRS = (): readonly string[] => []

function kept<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) {
    value = make()
    map.set(key, value)
  }
  return value
}
