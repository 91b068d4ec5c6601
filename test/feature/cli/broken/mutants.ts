import type { Place, Span } from './places.ts'

/** A broken config. `near`: where one of its errors must be, in the broken text. */
export interface Mutant {
  readonly what: string
  readonly text: string
  readonly near: Span
}

/** A way to break a config: all that it makes of one. */
export type Mutator = (text: string, places: readonly Place[]) => readonly Mutant[]

function replaced(what: string, text: string, { from, to }: Span, by: string, near?: Span): Mutant {
  return { what, text: text.slice(0, from) + by + text.slice(to), near: near ?? { from, to: from + by.length } }
}

/** The whole line that holds an offset, without its end. */
function lineAt(text: string, offset: number): Span {
  const end = text.indexOf('\n', offset)
  return { from: text.lastIndexOf('\n', offset - 1) + 1, to: end === -1 ? text.length : end }
}

/** The nearest line before an offset that holds more than a comment. */
function lineBefore(text: string, offset: number): Span {
  let line = lineAt(text, offset)
  do line = lineAt(text, Math.max(0, line.from - 1))
  while (line.from > 0 && /^\s*(#.*)?$/.test(text.slice(line.from, line.to)))
  return line
}

/** Lines of a key and its value in block style, with the end of the last one. */
function linesOf(text: string, { key, value }: Place): Span {
  const last = text[value.to - 1] === '\n' ? value.to - 1 : value.to
  return { from: lineAt(text, key.from).from, to: lineAt(text, last).to + 1 }
}

function name({ path }: Place): string {
  return path.join('.')
}

const each =
  (holds: (place: Place) => boolean, make: (text: string, place: Place) => Mutant | readonly Mutant[]): Mutator =>
  (text, places) =>
    places.filter(holds).flatMap((place) => make(text, place))

/** Values that a key cannot have, by what it expects. */
const WRONG: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^a duration/, ['5', '5 parsecs', '-1s', '1h30m']],
  [/^a size/, ['5', '3 elephants', '-1KiB']],
  [/^a whole number|or a whole number/, ['99999999999', '1.5', 'many', '-9999']],
  [/^a ratio/, ['250%', 'lots', '-1%']],
  [/^one of/, ['somethingelse', '17']],
  [/^true or false/, ['yes', '1']],
  [/^an address with port/, ['localhost:80', '1.2.3.4:99999', '1.2.3.4', ':80']],
  [/^an endpoint URL/, ['"htp://x"', '"http://x:99999"', '"http://user:pass@x"', '"http://x/path"', 'x:80']],
  [/^a path such as \/orders, \/orders\/\*/, ['no-slash', '"/a?b"', '"/a/*/b"', '"/{a}/{a}"', '"~ ("']],
  [/^a path such as/, ['no-slash', '"/a b"']],
  [/^a host such as/, ['"a b"', '"http://a"', '"a/b"']],
  [/^a map |^a list|^a reference/, ['17', 'nonsense']],
  [/^the name of an? (upstream|profile|route)/, ['no-such', '"a b"']],
]

export const MUTATORS: Readonly<Record<string, Mutator>> = {
  'a misspelt key': each(
    ({ doc }) => doc !== undefined,
    (text, place) => replaced(name(place), text, place.key, `${text.slice(place.key.from, place.key.to)}x`),
  ),
  'an unknown key': each(
    ({ doc, block }) => doc !== undefined && block,
    (text, place) => {
      const { from } = lineAt(text, place.key.from)
      const indent = text.slice(from, place.key.from)
      const added = `${indent}zzz: 1\n`
      const near = { from: place.key.from, to: place.key.from + 3 }
      return replaced(name(place), text, { from, to: from }, added, near)
    },
  ),
  'a key twice': each(
    ({ block, value }) => block && value.kind === 'scalar' && value.plain,
    (text, place) => {
      const lines = linesOf(text, place)
      const again = text.slice(lines.from, lines.to)
      const at = lines.to + (place.key.from - lines.from)
      return replaced(name(place), text, { from: lines.to, to: lines.to }, again, { from: at, to: at + 1 })
    },
  ),
  'a required key left out': each(
    ({ doc, block, first }) => doc?.required === true && block && !first,
    (text, place) => {
      const above = { from: 0, to: place.key.from }
      return replaced(name(place), text, linesOf(text, place), '', above)
    },
  ),
  'no value': each(
    ({ doc, value }) => doc !== undefined && value.kind === 'scalar' && value.plain,
    (text, place) => replaced(name(place), text, place.value, '', { from: place.key.to + 1, to: place.key.to + 2 }),
  ),
  'a wrong type': each(
    ({ doc, value }) => doc !== undefined && value.kind !== 'alias' && (value.kind !== 'scalar' || value.plain),
    (text, place) => {
      const { value } = place
      const end = text[value.to - 1] === '\n' ? '\n' : ''
      const wrong = value.kind === 'map' ? '[[1]]' : value.kind === 'list' ? '{ wrong: [1] }' : '{ wrong: [1] }'
      return replaced(name(place), text, value, wrong + end, { from: value.from, to: value.from + wrong.length })
    },
  ),
  'a wrong value': each(
    ({ doc, value }) => doc !== undefined && value.kind === 'scalar' && value.plain,
    (text, place) =>
      (WRONG.find(([expected]) => expected.test(place.doc?.expected ?? ''))?.[1] ?? []).map((wrong) =>
        replaced(`${name(place)}: ${wrong}`, text, place.value, wrong),
      ),
  ),
  'a name that nothing has': each(
    ({ path, value }) => /^(to|failover|upstream|route)$/.test(String(path.at(-1))) && value.kind === 'scalar',
    (text, place) => replaced(name(place), text, place.value, 'no-such'),
  ),
  'an unknown alias': each(
    ({ value }) => value.kind === 'scalar' && value.plain,
    (text, place) => replaced(name(place), text, place.value, '*nowhere'),
  ),
  'an unset environment value': each(
    ({ block, value }) => block && value.kind === 'scalar' && value.plain,
    (text, place) => replaced(name(place), text, place.value, `\${NOT_SET}`),
  ),
  'one space more': each(
    ({ block, first }) => block && !first,
    (text, place) => {
      const { from, to } = lineAt(text, place.key.from)
      const before = lineBefore(text, from)
      return replaced(name(place), text, { from, to: from }, ' ', { from: before.from, to: to + 1 })
    },
  ),
  'one space less': each(
    ({ block, first, path }) => block && !first && path.length > 1,
    (text, place) => {
      const { from, to } = lineAt(text, place.key.from)
      const before = lineBefore(text, from)
      return replaced(name(place), text, { from, to: from + 1 }, '', { from: before.from, to })
    },
  ),
  'a tab': each(
    ({ block, path }) => block && path.length > 1,
    (text, place) => {
      const { from, to } = lineAt(text, place.key.from)
      return replaced(name(place), text, { from, to: place.key.from }, '\t', { from, to })
    },
  ),
  // Below a header a text is a condition of its own.
  'no colon': each(
    ({ block, value, doc }) =>
      block && value.kind === 'scalar' && value.plain && doc?.path.includes('.match.headers.NAME') !== true,
    (text, place) => {
      const { from, to } = lineAt(text, place.key.from)
      const before = lineBefore(text, from)
      const after = lineAt(text, Math.min(text.length, to + 1))
      return replaced(name(place), text, { from: place.key.to, to: place.key.to + 1 }, '', {
        from: before.from,
        to: after.to,
      })
    },
  ),
  'no space behind the colon': each(
    ({ block, value, doc }) => doc !== undefined && block && value.kind === 'scalar' && value.plain,
    (text, place) => {
      const { from, to } = lineAt(text, place.key.from)
      const before = lineBefore(text, from)
      const after = lineAt(text, Math.min(text.length, to + 1))
      return replaced(name(place), text, { from: place.key.to, to: place.value.from }, ':', {
        from: before.from,
        to: after.to,
      })
    },
  ),
  'a quote that is not closed': each(
    ({ block, value }) => block && value.kind === 'scalar' && value.plain,
    (text, place) => {
      const { from } = place.value
      return replaced(name(place), text, { from, to: from }, '"', { from, to: lineAt(text, from).to })
    },
  ),
  'a bracket that is not closed': each(
    ({ block, value }) => block && value.kind === 'scalar' && value.plain,
    (text, place) => {
      const { from, to } = lineAt(text, place.value.from)
      const after = lineAt(text, Math.min(text.length, to + 1))
      return replaced(name(place), text, { from: place.value.from, to: place.value.from }, '[', {
        from,
        to: after.to + 1,
      })
    },
  ),
  'a NUL byte': each(
    ({ block }) => block,
    (text, place) => replaced(name(place), text, { from: place.value.from, to: place.value.from }, '\0'),
  ),
  'a cut': (text, places) => {
    const routes = places.find(({ path }) => path.length === 1 && path[0] === 'routes')?.key.from ?? 0
    return Array.from({ length: 25 }, (_, i) => Math.floor(((i + 0.5) / 25) * routes)).map((at) => ({
      what: `after ${at} characters`,
      text: text.slice(0, at),
      near: { from: 0, to: at + 1 },
    }))
  },
}
