/** The type of a fact. */
export type FactValue = string | number | boolean

/** Type and meaning of one fact, for the reference and for OpenAPI. */
export interface FactShape {
  readonly type: 'string' | 'number' | 'boolean'
  /** Its meaning, with its unit. */
  readonly doc: string
}

/** The facts of a decision, by name. */
export type FactShapes = Readonly<Record<string, FactShape>>

interface FactTypes {
  readonly string: string
  readonly number: number
  readonly boolean: boolean
}

/** The facts as values. */
export type FactsOf<S> = {
  readonly [K in keyof S]: S[K] extends { readonly type: infer T extends keyof FactTypes } ? FactTypes[T] : never
}

/** Something that a feature may decide about a request: spelled here and nowhere else. */
export interface Decision<S extends FactShapes = FactShapes> {
  /** Its meaning, for the reference. */
  readonly doc: string
  readonly facts: S
  /** The sentence that operators read in `sluice why`, the API and the dashboard. */
  sentence(facts: FactsOf<S>): string
  /** Name of the event in the request's span; undefined: none. */
  readonly event?: string
  /** False: only spans have it, since the story of the request tells it otherwise. */
  readonly story?: boolean
}

/** By name, which is unique over all features. */
export type DecisionTable = Readonly<Record<string, Decision>>

/** Gives a row of a table the types of its facts. */
export function decision<const S extends FactShapes>(row: Decision<S>): Decision<S> {
  return row
}
