import type { ConfigSource, SourceProblem, SourceTexts } from './source.ts'

const NAME = 'config'

/** A config as a value of a program: what YAML would say, with objects, arrays, texts, numbers, booleans and null. */
export type ConfigObject = Readonly<Record<string, unknown>>

/** A source whose config is set by the program around it. */
export interface SettableSource extends ConfigSource {
  /** Puts another config in its place; resolves when those who watch have dealt with it. */
  set(config: ConfigObject | string): Promise<void>
}

/**
 * A config that a program holds: a value, or a YAML text. Problems of a value name its keys, those of a text its lines.
 *
 * @param folder paths of files in it, and of files that it includes, are relative to it
 */
export function memorySource(config: ConfigObject | string, folder: string): SettableSource {
  let texts = textsOf(config)
  const watching = new Set<() => Promise<void>>()
  return {
    kind: 'memory',
    name: NAME,
    main: NAME,
    folder,
    fence: undefined,
    load: async () => texts,
    watch(changed) {
      watching.add(changed)
      return () => void watching.delete(changed)
    },
    async set(next) {
      texts = textsOf(next)
      await Promise.all(Array.from(watching, (changed) => changed()))
    },
  }
}

function textsOf(config: ConfigObject | string): SourceTexts | SourceProblem {
  if (typeof config === 'string') return { documents: { [NAME]: config } }
  try {
    return { documents: { [NAME]: JSON.stringify(config, plain) }, object: true }
  } catch (error) {
    return { problem: error instanceof NotPlain ? error.message : 'the object refers to itself, or is nested too deep' }
  }
}

class NotPlain extends Error {}

/** JSON would leave out or change what it does not know, and the config would mean something else. */
function plain(this: unknown, key: string, value: unknown): unknown {
  const written = (this as Readonly<Record<string, unknown>>)[key]
  const isPlain =
    typeof written !== 'object' ||
    written === null ||
    Array.isArray(written) ||
    [Object.prototype, null].includes(Object.getPrototypeOf(written))
  const isText = ['string', 'boolean', 'object', 'undefined'].includes(typeof written)
  if (isPlain && (isText || (typeof written === 'number' && Number.isFinite(written)))) return value
  const is = isPlain ? `a ${typeof written}` : `a ${(written as object).constructor?.name ?? 'class'}`
  const what = typeof written === 'number' ? String(written) : is
  throw new NotPlain(`${JSON.stringify(key)} is ${what}; a config has maps, lists, texts, numbers, booleans and null`)
}
