import type { JsonSchema } from '../schema/schema.ts'
import { choice, record, ref, said, TEXT, TIME } from '../schema/shape.ts'
import type { FactShapes, FactsOf } from './decision.ts'
import type { CellReader, Use } from './feature.ts'

/** A state that lasts, longer than a request. */
export interface LastingState<S extends FactShapes = FactShapes> {
  /** What it means, for the reference. */
  readonly doc: string
  /** What it means to operators. */
  readonly level: 'good' | 'warn' | 'bad'
  /** Of a change to it: why it came, and what follows by itself. They are fields of its log line. */
  readonly facts: S
  /** How the operational log tells a change to it. */
  readonly log: { readonly level: 'info' | 'warn'; readonly message: string }
  /** What an operator reads: why, and what follows. `facts` undefined: how it came to this was not told. */
  sentence(facts: FactsOf<S> | undefined): string
}

/** Gives a row of a table the types of its facts. */
export function lastingState<const S extends FactShapes>(row: LastingState<S>): LastingState<S> {
  return row
}

export type LastingStates = Readonly<Record<string, LastingState>>

/** How operators force a state for a time: by a command that takes the labels, `to` and `for`. */
export interface ForcedStates {
  /** Of the command, below /api/v1. */
  readonly path: string
  readonly to: readonly string[]
  /** As `to`: it decides itself again. */
  readonly release: string
  /** What each of them does, for the one who is about to choose. */
  readonly doc: string
}

/** How changes of what lasts are told and counted. */
export interface ToldStates<S extends LastingStates = LastingStates> {
  /** What tells those apart that are in one of these states, everywhere. Names of a route, an upstream, an endpoint: `route`, `upstream`, `endpoint`. */
  readonly labels: readonly string[]
  readonly states: S
  /** A counter of the feature that counts changes, and its labels for one; undefined: this one does not count. */
  readonly counter?: {
    readonly metric: string
    labels(
      labels: readonly string[],
      state: string,
      facts: Readonly<Record<string, unknown>>,
    ): readonly string[] | undefined
  }
}

/** Of endpoints: their upstream and identity. */
export interface EndpointStates extends ToldStates {
  readonly labels: readonly ['upstream', 'endpoint']
}

/** How what lasts is shown, wherever that is read. */
export interface ShownStates<S extends LastingStates = LastingStates> extends ToldStates<S> {
  /** What is in one of these states, as events name it: `breaker`. */
  readonly kind: string
  /** The list of them in the API. */
  readonly list: string
  /** Heading of them. */
  readonly title: string
  /** The state that needs no attention. */
  readonly normal: string
  readonly forced?: ForcedStates
}

/** What lasts of a feature, and how: metrics, log, API and dashboard are made of it. */
export interface StateTable<O = unknown, C = unknown, S extends LastingStates = LastingStates> extends ShownStates<S> {
  /** A gauge of the feature with the labels and `state`: 1 for the state that it is in, else 0. */
  readonly gauge?: string
  /** How all are now, of one use. `labels`: values in the order of the names. Pure. */
  read(
    use: Use<O>,
    cells: C,
    look: CellReader,
  ): Iterable<{ readonly labels: readonly string[]; readonly state: string }>
}

/**
 * A state as the API shows it: its labels by name, `state`, `text`: what it means, why, and what follows; and `since`, RFC
 * 3339, if that is known.
 */
export type StateRow = Readonly<Record<string, string>>

/** Since when something is in its state, as the description of the API shows it. */
export const SINCE: JsonSchema = said('RFC 3339; left out where it is not known.', TIME)

/** What else is known of a state. */
export const WHY: JsonSchema = said('What the state means, why it came and what follows.', TEXT)

/** The same as the description of the API shows it. */
export function stateFields({
  kind,
  labels,
}: Pick<StateTable, 'kind' | 'labels'>): Readonly<Record<string, JsonSchema>> {
  return {
    ...Object.fromEntries(labels.map((label) => [label, TEXT])),
    state: ref(`${schemaName(kind)}State`),
    text: WHY,
  }
}

/** Schemas that the description of the API names after the kind: `Breaker` and `BreakerState`. */
export function stateSchemas(
  table: Pick<StateTable, 'kind' | 'labels' | 'states'>,
): Readonly<Record<string, JsonSchema>> {
  const name = schemaName(table.kind)
  const docs = Object.entries(table.states).map(([state, { doc }]) => `\`${state}\`: ${doc}`)
  return {
    [`${name}State`]: said(docs.join(' '), choice(...Object.keys(table.states))),
    [name]: record(stateFields(table), { since: SINCE }),
  }
}

/** Of what has a kind: `Breaker`. */
export function schemaName(kind: string): string {
  return `${kind[0]?.toUpperCase()}${kind.slice(1)}`
}
