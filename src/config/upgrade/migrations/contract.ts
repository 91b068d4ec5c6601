/** Keys from the top of a file to a map; `*` stands for any name. */
export type MapPath = readonly string[]

/**
 * One change to every map at `at`. Steps are data, so that the same ones change what was read (`upgrade.ts`) and the text
 * itself (`rewrite.ts`). A step without a match changes nothing.
 */
export type Step =
  /** The key gets another name. */
  | { readonly kind: 'rename'; readonly at: MapPath; readonly key: string; readonly to: string }
  /** The value is written differently. `change` gets the scalar's text; undefined leaves it. */
  | {
      readonly kind: 'value'
      readonly at: MapPath
      readonly key: string
      readonly change: (text: string) => string | undefined
    }
  /** Keys move into the map `into` beside them; `keys` are their names before and after. */
  | {
      readonly kind: 'nest'
      readonly at: MapPath
      readonly keys: Readonly<Record<string, string>>
      readonly into: string
    }
  /** A list of maps becomes a map: the value of `by` is the key. */
  | { readonly kind: 'keyBy'; readonly at: MapPath; readonly key: string; readonly by: string }

/** A change of the language between two versions. */
export interface Migration {
  /** What it does, for people. */
  readonly does: string
  readonly steps: readonly Step[]
  /** A whole file in the older version that shows it, and the same in the next one. */
  readonly before: string
  readonly after: string
}

/** An older version of the language, and how its files become those of the next one. */
export interface OlderVersion {
  readonly name: string
  readonly migrations: readonly Migration[]
}
