import { type Collection, collectionsOf } from '../../schema/collection.ts'
import type { Schema } from '../../schema/schema.ts'
import { type RootOptions, rootOptions } from './root.ts'

/** The language of config files. */
export interface Language {
  /** A whole file. */
  readonly root: Schema<RootOptions>
  readonly collections: readonly Collection[]
}

export const LANGUAGE: Language = { root: rootOptions, collections: collectionsOf(rootOptions) }
