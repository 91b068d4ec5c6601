import { expect, test } from 'vitest'
import { endpointsWith } from '../../../src/config/language/endpoints.ts'
import type { EndpointSource } from '../../../src/core/endpoint-source.ts'
import { optional } from '../../../src/schema/composites.ts'
import type { Diagnostic } from '../../../src/schema/diagnostics.ts'
import { nodeOf } from '../../../src/schema/node.ts'
import { text } from '../../../src/schema/scalars.ts'
import { At } from '../../../src/schema/schema.ts'

const source = (key: string, own: string): EndpointSource => ({
  key,
  form: 'NAME',
  called: `a ${key}`,
  fields: { [key]: optional(text('a name'), 'A name.'), [own]: optional(text('a text'), 'A text.') },
  misplaced: { other: own },
  read: (values) =>
    values[key] === 'bad' ? { problem: 'is bad' } : { options: { name: values[key] }, text: `${key} ${values[key]}` },
})

const BOTH = [source('toy', 'colour'), source('game', 'players')]

function read(sources: readonly EndpointSource[], written: unknown) {
  const found: Diagnostic[] = []
  const value = endpointsWith(sources).read(nodeOf(written), new At(found))
  return found.length > 0 ? found.map(({ message }) => message) : value
}

test('the source whose key is written reads the map', () => {
  expect(read(BOTH, { game: 'chess', players: 'two', every: '30s' })).toEqual({
    kind: 'game',
    every: 30_000,
    text: 'game chess',
    options: { name: 'chess' },
  })
})

test.each([
  ['no kind', BOTH, { every: '30s' }, 'expected either toy or game'],
  ['two kinds', BOTH, { toy: 'car', game: 'chess' }, 'expected either toy or game'],
  ['no kind where there is one', BOTH.slice(0, 1), {}, 'expected toy'],
  ['a key of another kind', BOTH, { toy: 'car', players: 'two' }, 'players does not apply to a toy'],
  ['what the source refuses', BOTH, { toy: 'bad' }, 'is bad'],
])('refuses %s', (_, sources, written, message) => {
  expect(read(sources, written)).toEqual([message])
})

test('without any source there is the list only', () => {
  expect(read([], ['http://10.0.0.1:8080'])).toHaveLength(1)
  expect(read([], { toy: 'car' })).toEqual([expect.stringContaining('a map is not a list')])
})
