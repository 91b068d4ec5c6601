import type { MachineFence } from '../judge/machine-use.ts'

/** Texts of a config by absolute path, or by the name of their source. */
export type Documents = Readonly<Record<string, string>>

/** Kinds of sources; `memory`: what a program holds. */
export const SOURCE_KINDS = ['files', 'http', 'memory'] as const
export type SourceKind = (typeof SOURCE_KINDS)[number]

/** The texts of a config as they are now. */
export interface SourceTexts {
  /** By path; the main one by the name of the source. What is not here is read from the files of this machine. */
  readonly documents: Documents
  /** The main one is the JSON of a value: problems name its keys instead of lines. */
  readonly object?: boolean
}

/** Why there are no texts, for operators. */
export interface SourceProblem {
  readonly problem: string
}

/**
 * Where the configs of a gateway come from. What is done with them (judging, reload, history, the last good one) is the same
 * for all sources.
 */
export interface ConfigSource {
  readonly kind: SourceKind
  /** As operators, problems and places know the main text: a path, a URL or a word. Holds no secret. */
  readonly name: string
  /** The same for all runs of one config, wherever they start: an absolute path or the name. The history goes by it. */
  readonly main: string
  /** Paths of files that the config names start here; undefined: at the main file. */
  readonly folder: string | undefined
  /** What its configs may use of this machine; undefined: what this process may. */
  readonly fence: MachineFence | undefined
  /** Reads all of it. Never rejects, and ends within a time of its own. */
  load(): Promise<SourceTexts | SourceProblem>
  /**
   * Calls `changed` when {@link load} may give something else, until the returned function is called; the next call only
   * when the promise of the one before has settled, which never rejects. Files of this machine that a config was read from are watched anyway.
   */
  watch(changed: () => Promise<void>): () => void
  /** What is wrong with texts of it that were kept, such as a signature; undefined: nothing. */
  verify?(documents: Documents): string | undefined
  /** How it does. Only sources that can fail by themselves have it. */
  readonly facts?: SourceFacts
}

/** How a source does, for operators. */
export interface SourceFacts {
  /** RFC 3339: the latest look, and the latest that found the texts or that they are the same. */
  readonly checkedAt: string | undefined
  readonly readAt: string | undefined
  /** Of the text that was read last. */
  readonly etag: string | undefined
  readonly sha256: string | undefined
  /** The key that signed it. */
  readonly signer: string | undefined
  /** Why it cannot be read, and since when; undefined: it can. */
  readonly problem: { readonly reason: string; readonly text: string; readonly since: string } | undefined
  /** Looks that failed, by reason. */
  readonly failures: Readonly<Record<string, number>>
}
