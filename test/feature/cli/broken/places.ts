import { isAlias, isMap, isScalar, isSeq, type Pair, parseDocument, type Node as YamlNode } from 'yaml'
import { DEFAULT_LANGUAGE } from '../../../../src/config/language/default-language.ts'
import { type KeyDoc, keyDocs } from '../../../../src/config/language/key-docs.ts'

/** A key with its value in the text of a config; offsets count characters. */
export interface Place {
  readonly path: readonly (string | number)[]
  /** undefined: its name is the user's. */
  readonly doc: KeyDoc | undefined
  readonly key: Span
  readonly value: Span & { readonly kind: 'scalar' | 'list' | 'map' | 'alias'; readonly plain: boolean }
  /** In block style, on a line of its own. */
  readonly block: boolean
  /** The first of its map. */
  readonly first: boolean
}

/** `to`: exclusive. */
export interface Span {
  readonly from: number
  readonly to: number
}

const KEYS: ReadonlyMap<string, KeyDoc> = new Map(keyDocs(DEFAULT_LANGUAGE).keys.map((key) => [key.path, key]))
const NAMED = ['routes.NAME.', 'upstreams.NAME.'] as const

/** Every key of a config, in the order of the text. */
export function placesIn(text: string): readonly Place[] {
  const places: Place[] = []
  const walk = (node: YamlNode | null, path: readonly (string | number)[]): void => {
    if (isSeq(node)) for (const [i, item] of node.items.entries()) walk(item as YamlNode, [...path, i])
    if (!isMap(node)) return
    for (const [i, pair] of node.items.entries()) {
      const place = placeOf(pair as Pair<YamlNode, YamlNode>, path, i, node.flow !== true, text)
      if (place === undefined) continue
      places.push(place)
      walk(pair.value as YamlNode, place.path)
    }
  }
  walk(parseDocument(text, { merge: true }).contents, [])
  return places
}

function placeOf(
  { key, value }: Pair<YamlNode, YamlNode>,
  above: readonly (string | number)[],
  index: number,
  isBlock: boolean,
  text: string,
): Place | undefined {
  if (!isScalar(key) || !key.range || !value?.range) return undefined
  const path = [...above, String(key.value)]
  const kind = isAlias(value) ? 'alias' : isMap(value) ? 'map' : isSeq(value) ? 'list' : 'scalar'
  const start = text.lastIndexOf('\n', key.range[0]) + 1
  return {
    path,
    doc: docOf(path),
    key: { from: key.range[0], to: key.range[1] },
    value: { from: value.range[0], to: value.range[1], kind, plain: isScalar(value) && value.type === 'PLAIN' },
    block: isBlock && text.slice(start, key.range[0]).trim() === '',
    first: index === 0,
  }
}

/** Of a key whose name belongs to the language. */
function docOf(path: readonly (string | number)[]): KeyDoc | undefined {
  const [section, name, ...rest] = path
  if (section === 'defaults' && rest.length > 0) return docOf([`${name}s`, 'NAME', ...rest])
  if (section === 'profiles' && rest.length > 0) return docOf(['routes', 'NAME', ...rest])
  const found = spellings(path).find((spelling) => KEYS.has(spelling))
  return found === undefined ? undefined : KEYS.get(found)
}

/** As the reference may write a path: names as NAME; places in lists as [] or not at all. */
function spellings(path: readonly (string | number)[]): readonly string[] {
  let all = ['']
  for (const [i, step] of path.entries()) {
    const isName = i === 1 && NAMED.some((prefix) => prefix.startsWith(`${path[0]}.`))
    const isListener = i === 1 && path[0] === 'listeners'
    const isField = i >= 4 && (path[i - 1] === 'headers' || path[i - 1] === 'query') && path[2] === 'match'
    all = all.flatMap((before) =>
      typeof step === 'number'
        ? [before, `${before}[]`]
        : [`${before}${before === '' ? '' : '.'}${isName || isListener || isField ? 'NAME' : step}`],
    )
  }
  return all
}
