import type { LiveUse } from '../../core/control-feature.ts'
import type { AnyFeature, CellReader } from '../../core/feature.ts'
import type { GaugeReading, Gauges } from '../../core/series.ts'
import type { LastingState, ShownStates, StateRow } from '../../core/state-table.ts'
import { byName, choice, each, record, ref, said, TEXT } from '../../schema/shape.ts'
import type { EndpointState, Part } from '../contract.ts'
import { FEED_STATES } from './feed-states.ts'
import type { Notices } from './notices.ts'

export interface LastingOptions {
  readonly features: readonly AnyFeature[]
  /** Live ones of a feature. */
  readonly uses: (feature: AnyFeature) => readonly LiveUse[]
  /** Why an operator's order keeps an endpoint out; undefined: there is none. */
  readonly drained: (upstream: string, endpoint: string) => Why | undefined
  readonly look: CellReader
  readonly notices: Pick<Notices, 'latest'>
  /** States of what no feature has a table for. */
  readonly others: () => Iterable<StateFacts>
}

/** One thing and the state that it is in. */
export interface StateFacts {
  readonly table: ShownStates
  /** Values in the order of the table's labels. */
  readonly labels: readonly string[]
  readonly state: string
  /** What that means, why it came and what follows. */
  readonly text: string
  /** Milliseconds since the epoch; undefined: not known. */
  readonly since: number | undefined
}

/** Why something is in its state. */
export type Why = Pick<StateFacts, 'text' | 'since'>

/** Where no feature tells more. */
const USABLE: Why = { text: 'it gets requests', since: undefined }

/** What lasts, of all features of the live config: read from cells, and explained by what was told of its latest change. */
export class Lasting implements Part {
  private readonly options: LastingOptions

  constructor(options: LastingOptions) {
    this.options = options
  }

  *all(): Generator<StateFacts> {
    for (const feature of this.options.features) yield* this.of(feature)
    yield* this.options.others()
  }

  *of(feature: AnyFeature): Generator<StateFacts> {
    const { name, states: table } = feature
    if (table === undefined) return
    const { look, notices, uses } = this.options
    for (const { use, cells } of uses(feature)) {
      for (const { labels, state } of table.read(use, cells, look)) {
        const told = notices.latest(name, labels)
        const { at, facts } = told?.state === state ? told : {}
        const text = (table.states[state] as LastingState).sentence(facts as never)
        yield { table, labels, state, text, since: at }
      }
    }
  }

  /** Why an endpoint is in its state: what the feature tells that brought it there last. */
  endpoint(upstream: string, endpoint: string, state: EndpointState): Why {
    const { drained, features, notices } = this.options
    let why = state === 'draining' ? drained(upstream, endpoint) : state === 'usable' ? USABLE : undefined
    for (const { endpointStates, name } of features) {
      const row = endpointStates?.states[state]
      if (row === undefined) continue
      const told = notices.latest(name, [upstream, endpoint])
      if (told?.state !== state) why ??= { text: row.sentence(undefined), since: undefined }
      else if (told.at >= (why?.since ?? 0)) why = { text: row.sentence(told.facts as never), since: told.at }
    }
    return why ?? { text: state, since: undefined }
  }

  get gauges(): Gauges {
    const entries = this.options.features.flatMap((feature) => {
      const gauge = feature.states?.gauge
      return gauge === undefined ? [] : [[gauge, () => this.readings(feature)] as const]
    })
    return Object.fromEntries(entries)
  }

  private *readings(feature: AnyFeature): Generator<GaugeReading> {
    for (const { table, labels, state } of this.of(feature)) {
      for (const known of Object.keys(table.states))
        yield { labels: [...labels, known], value: known === state ? 1 : 0 }
    }
  }
}

/** As the API shows it. */
export function rowOf({ labels, since, state, table, text }: StateFacts): StateRow {
  return { ...labelled(table, labels), state, text, ...sinceOf(since) }
}

/** RFC 3339. */
export function sinceOf(since: number | undefined): { readonly since?: string } {
  return since === undefined ? {} : { since: new Date(since).toISOString() }
}

/** How to show what lasts of one table. */
export type LastingShape = Pick<ShownStates, 'kind' | 'title' | 'labels' | 'normal' | 'forced'> & {
  /** What each state means to operators. */
  readonly levels: Readonly<Record<string, LastingState['level']>>
}

/** For the description of the API. */
export const LASTING_SCHEMAS = {
  LastingShape: record(
    {
      kind: said('Of its events.', TEXT),
      title: TEXT,
      labels: said('What tells them apart.', each(TEXT)),
      normal: said('The state that needs no attention.', TEXT),
      levels: said('What each state means to operators.', byName(choice('good', 'warn', 'bad'))),
    },
    {
      forced: said(
        'How operators force it: a command that takes the labels, `to` and `for`.',
        record({ path: TEXT, to: each(TEXT), release: TEXT, doc: TEXT }),
      ),
    },
  ),
}

/** The member of answers that holds what {@link shapesOf} returns. */
export const LASTING = {
  lasting: said('How to show what lasts, by the name of its list.', byName(ref('LastingShape'))),
}

/** How to show what lasts, by the name of its list. */
export function shapesOf(tables: readonly ShownStates[]): Readonly<Record<string, LastingShape>> {
  const shapes = tables.map(({ forced, kind, labels, list, normal, states, title }) => {
    const levels = Object.fromEntries(Object.entries(states).map(([state, { level }]) => [state, level]))
    return [list, { kind, title, labels, normal, levels, ...(forced && { forced }) }] as const
  })
  return Object.fromEntries(shapes)
}

/** Values of labels by their names. */
export function labelled(
  table: Pick<ShownStates, 'labels'>,
  labels: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(table.labels.map((label, i) => [label, labels[i] as string]))
}

/** Rows by the name of their list; a list of each table, however empty. */
export function listsOf(
  features: readonly AnyFeature[],
  states: Iterable<StateFacts>,
): Readonly<Record<string, readonly StateRow[]>> {
  const lists = Object.fromEntries(tablesOf(features).map(({ list }): [string, StateRow[]] => [list, []]))
  for (const facts of states) lists[facts.table.list]?.push(rowOf(facts))
  return lists
}

/** Of features, and of what they all have. */
export function tablesOf(features: readonly AnyFeature[]): readonly ShownStates[] {
  return [...features.flatMap(({ states }) => states ?? []), FEED_STATES]
}
