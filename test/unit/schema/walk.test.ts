import { expect, test } from 'vitest'
import { byKind, list, map, mapped, object, offOr, oneOrMany, optional } from '../../../src/schema/composites.ts'
import { filePath, pemFile, reference } from '../../../src/schema/mark.ts'
import { nodeOf } from '../../../src/schema/node.ts'
import { pathText } from '../../../src/schema/path.ts'
import { integer, name, text } from '../../../src/schema/scalars.ts'
import { At, type Schema } from '../../../src/schema/schema.ts'
import { secret } from '../../../src/schema/secret.ts'
import { changeMarks, marksIn } from '../../../src/schema/walk.ts'

const target = byKind<unknown>({
  scalar: reference('upstream'),
  map: mapped(
    object({
      to: optional(reference('upstream'), '.'),
      key: optional(secret(), '.'),
      ca: optional(pemFile(), '.'),
      list: optional(filePath(), '.'),
      note: optional(text(), '.'),
    }),
    (value) => value,
  ),
})
const schema = object({
  ask: optional(offOr(oneOrMany(target)), '.'),
  byName: optional(map(name(), list(target)), '.'),
  size: optional(integer(1, 9), '.'),
})

function marks(value: unknown, of: Schema<unknown> = schema): string[] {
  return marksIn(of, nodeOf(value)).map(({ mark, node, path }) => {
    const kind = mark.is === 'reference' ? `${mark.is} ${mark.to}` : mark.is
    return `${pathText(path)} ${kind} ${node.kind === 'scalar' ? node.text : node.kind}`
  })
}

test.each([
  ['a short form', { ask: 'a' }, ['ask reference upstream a']],
  ['off', { ask: 'off' }, []],
  ['a list of short forms', { ask: ['a', 'b'] }, ['ask[0] reference upstream a', 'ask[1] reference upstream b']],
  [
    'the other side of a union, in a list in a map',
    { byName: { x: ['a', { to: 'b', ca: 'c.pem', list: 'l.yaml', note: 'to' }] }, size: 3 },
    [
      'byName.x[0] reference upstream a',
      'byName.x[1].to reference upstream b',
      'byName.x[1].ca file c.pem',
      'byName.x[1].list file l.yaml',
    ],
  ],
  [
    'a secret, and the environment value or file that it is in',
    { ask: [{ key: { env: 'KEY' } }, { key: { file: 'k' } }] },
    ['ask[0].key secret map', 'ask[0].key.env environment KEY', 'ask[1].key secret map', 'ask[1].key.file file k'],
  ],
  [
    'what is wrong otherwise',
    { ask: { to: 'a', unknown: { to: 'b' } }, size: 'no', more: 'c' },
    ['ask.to reference upstream a'],
  ],
])('marks are found in %s', (_, value, found) => {
  expect(marks(value)).toEqual(found)
})

test('marks are changed where they stand, and the rest is the same nodes', () => {
  const before = nodeOf({ ask: ['a', { to: 'b', note: 'b' }], size: 3 })
  const after = changeMarks(schema, before, ({ node }) =>
    node.kind === 'scalar' && node.text === 'b' ? nodeOf('c') : node,
  )
  expect(marksIn(schema, after).map(({ node }) => node)).toEqual([nodeOf('a'), nodeOf('c')])
  expect(schema.read(after, new At([]))).toMatchObject({ ask: ['a', { to: 'c', note: 'b' }] })
  const entries = (node: typeof before) => (node.kind === 'map' ? node.entries : new Map())
  expect(entries(after).get('size')).toBe(entries(before).get('size'))
  expect(changeMarks(schema, before, ({ node }) => node)).toBe(before)
})
