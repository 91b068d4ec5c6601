import type { StoreName } from '../../core/store.ts'
import type { StoreAnswer, StoreCall } from './call.ts'

/** How workers reach the stores of their control plane: by questions of their features, and a command. */

/** What a question to a store is called, in the place of an answer of a feature: no feature has one of this name. */
export const TO_STORE = '-store'
/** The command that brings a hint to a worker. */
export const HINT = '-hint'

export interface StoreHint {
  readonly store: StoreName
  readonly topic: string
  readonly hint: string
}

export type ToAnyStore = { readonly store: StoreName; readonly call: StoreCall } | StoreHint
export type FromAnyStore = StoreAnswer | true

/** The user of a store that a feature is, in both planes. */
export function featureUser(feature: string): string {
  return `features/${feature}`
}
