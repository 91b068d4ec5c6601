import type { FactValue } from './decision.ts'

/** Something that a feature tells operators, once for the whole gateway, see `Feature.events`. */
export interface FeatureEvent {
  /** How the operational log tells it; its facts are the fields of the line. */
  readonly log: { readonly level: 'info' | 'warn'; readonly message: string }
  /** A counter of the feature that counts it, and its labels for one. */
  readonly counter?: { readonly metric: string; labels(facts: EventFacts): readonly string[] }
}

export type EventFacts = Readonly<Record<string, FactValue>>

export type EventTable = Readonly<Record<string, FeatureEvent>>
