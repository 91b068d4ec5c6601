import type { Config } from '../config/language/config.ts'
import type { Language } from '../config/language/language.ts'
import type { LoadDeps } from '../config/load-deps.ts'
import { signatureOf } from '../config/sources/file-watch.ts'
import { keptReading, type Reader, readerOf, readingOf } from '../config/sources/reading.ts'
import type { ConfigSource, Documents } from '../config/sources/source.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { Diagnostic } from '../schema/diagnostics.ts'
import type { ReloadSource } from './gateway.ts'
import type { KeptConfig } from './operations/reload/archive.ts'
import { latestOf } from './operations/reload/last-good.ts'

/** What the gateway starts with. */
export interface FirstConfig {
  readonly config: Config
  /** With the features of its plug-ins. */
  readonly language: Language
  /** All but how configs are judged. */
  readonly reload: Omit<ReloadSource, 'startJudge'>
}

/** What reading a source led to. */
export interface FirstReading {
  /** undefined: it has errors, or there is nothing to read. */
  readonly first: FirstConfig | undefined
  readonly diagnostics: readonly Diagnostic[]
  /** See `Loaded`. */
  readonly unchecked: readonly Diagnostic[]
  readonly language: Language
  /** The source gave a text, whatever is wrong with that. */
  readonly given: boolean
  /** That it was read from. */
  readonly documents: Documents
  /** Files of this machine that were read, and what {@link signatureOf} says of them. */
  readonly watched: Pick<ReloadSource, 'sources' | 'signature'>
}

/** Reads a source for the first time. */
export async function readFirst(source: ConfigSource, deps: LoadDeps): Promise<FirstReading> {
  const before = await signatureOf([source.main])
  const texts = await source.load()
  if ('problem' in texts) {
    const nothing = { first: undefined, unchecked: [], given: false, documents: {}, language: deps.language }
    const watched = { sources: [], signature: '' }
    return { ...nothing, diagnostics: [problemOf(source, texts.problem)], watched }
  }
  const reader = readerOf(readingOf(source, texts), deps)
  const { config, diagnostics, language, sources, tree, unchecked } = await reader.load()
  const alone = sources.length === 1 && sources[0] === source.main
  const watched = { sources, signature: alone ? before : await signatureOf(sources) }
  const { documents } = reader
  const whole = config !== undefined && tree !== undefined
  const reload = { ...from(source, deps), documents, ...watched, origin: source.kind, refused: [] }
  const first = whole ? { config, language, reload: { ...reload, tree } } : undefined
  return { first, diagnostics, unchecked, language, given: true, documents, watched }
}

/** How it is read again. */
function from(
  source: ConfigSource,
  { env, language, plugins }: LoadDeps,
): Pick<ReloadSource, 'source' | 'env' | 'featuresOf'> {
  const featuresOf: ReloadSource['featuresOf'] = async (config) =>
    plugins === undefined ? language.features : plugins.features(config.plugins)
  return { source, env, featuresOf }
}

function problemOf({ name }: ConfigSource, message: string): Diagnostic {
  return { severity: 'error', at: { file: name, line: 0, column: 0 }, path: '', message }
}

/** The last config of a source that was live, and what is wrong with it by now. */
export interface LastGood {
  readonly kept: KeptConfig
  readonly first: FirstConfig | undefined
  readonly diagnostics: readonly Diagnostic[]
}

/**
 * The last config of a source that was live, in place of what is there now; undefined: none was kept.
 *
 * @param folders where gateways may have kept it
 */
export async function lastGood(
  source: ConfigSource,
  { diagnostics: refused, watched }: FirstReading,
  folders: readonly string[],
  deps: LoadDeps,
  around: { readonly clock: Clock; readonly log: Log },
): Promise<LastGood | undefined> {
  const kept = await latestOf(folders, source.main, around)
  if (kept === undefined) return undefined
  const { documents, main } = kept
  const problem = source.verify?.(documents)
  if (problem !== undefined)
    return { kept, first: undefined, diagnostics: [problemOf(source, `as it was kept: ${problem}`)] }
  const reader: Reader = readerOf(keptReading(source, main, documents), deps)
  const { config, diagnostics, language, tree } = await reader.load()
  const origin = 'last-known-good'
  const reload = { ...from(source, deps), documents, ...watched, origin, refused } as const
  const whole = config !== undefined && tree !== undefined
  const first = whole ? { config, language, reload: { ...reload, tree } } : undefined
  return { kept, first, diagnostics }
}
