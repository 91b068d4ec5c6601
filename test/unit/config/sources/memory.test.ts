import { describe, expect, test } from 'vitest'
import { parseYaml } from '../../../../src/config/read/document.ts'
import { parseObject } from '../../../../src/config/read/object.ts'
import { type ConfigObject, memorySource } from '../../../../src/config/sources/memory.ts'
import type { Node } from '../../../../src/schema/node.ts'

const load = (config: ConfigObject | string) => memorySource(config, '/').load()

describe('an object that is no config', () => {
  class Duration {}
  const circle: Record<string, unknown> = {}
  circle.itself = circle
  const deep = JSON.parse(`${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`) as ConfigObject

  test.each([
    ['"respond" is a function', { routes: { a: { respond: () => {} } } }],
    ['"request" is a bigint', { timeouts: { request: 5n } }],
    ['"1" is NaN', { list: [1, Number.NaN] }],
    ['"max" is Infinity', { max: Number.POSITIVE_INFINITY }],
    ['"at" is a Date', { at: new Date(0) }],
    ['"match" is a RegExp', { match: /x/ }],
    ['"upstreams" is a Map', { upstreams: new Map() }],
    ['"every" is a Duration', { every: new Duration() }],
    ['"name" is a symbol', { name: Symbol('x') }],
    ['"raw" is a Buffer', { raw: Buffer.from('x') }],
  ])('%s', async (says, config) => {
    expect(await load(config as ConfigObject)).toEqual({ problem: expect.stringContaining(says) })
  })

  test('one that refers to itself, and one without end', async () => {
    for (const config of [circle, deep])
      expect(await load(config)).toEqual({ problem: 'the object refers to itself, or is nested too deep' })
  })
})

test('what has no value is left out, as a program leaves it out', async () => {
  expect(await load({ a: undefined, b: null, c: [true, 1.5, 'x'], d: Object.create(null) as object })).toMatchObject({
    documents: { config: '{"b":null,"c":[true,1.5,"x"],"d":{}}' },
    object: true,
  })
})

test('all that watch are told of another one, and not of one after they have closed', async () => {
  const source = memorySource('one', '/')
  const told: string[] = []
  const close = source.watch(async () => void told.push('a'))
  source.watch(async () => void told.push('b'))
  await source.set('two')
  close()
  await source.set({ three: 3 })
  expect(told).toEqual(['a', 'b', 'b'])
  expect(await source.load()).toEqual({ documents: { config: '{"three":3}' }, object: true })
})

describe('an object as nodes', () => {
  const parsed = (value: unknown, env = {}) => parseObject('config', Buffer.from(JSON.stringify(value)), env)
  /** Without places. */
  const bare = (node: Node | undefined): unknown => {
    if (node === undefined) return undefined
    const { at: _, ...rest } = node
    if (rest.kind === 'list') return { ...rest, items: rest.items.map(bare) }
    if (rest.kind === 'scalar') return rest
    return { ...rest, entries: Array.from(rest.entries, ([key, { value }]) => [key, bare(value)]) }
  }

  test('is what the same in YAML is', () => {
    const value = {
      a: 'x',
      b: ['5s', 1, -1.5, true, false],
      c: { d: {}, e: [] },
      'f g': '${' + 'HOME}/x',
      h: '${' + 'N}',
    }
    const env = { HOME: '/home', N: '17' }
    const { root } = parseYaml('a.yaml', Buffer.from(JSON.stringify(value)), env)
    expect(bare(parsed(value, env).root)).toEqual(bare(root))
  })

  test('has places of its own for all its values, by which a mistake is known from its like', () => {
    const { root } = parsed({ a: 1, b: 1 })
    if (root?.kind !== 'map') throw new Error('no map')
    const places = Array.from(root.entries.values(), ({ value }) => value.at)
    expect(places).toEqual([
      { file: 'config', line: 0, column: 0 },
      { file: 'config', line: 0, column: 0 },
    ])
    expect(places[0]).not.toBe(places[1])
  })

  test.each([
    ['too deep', JSON.parse(`${'['.repeat(103)}${']'.repeat(103)}`) as unknown, 'nested deeper than 100 levels'],
    ['too many', { a: Array.from({ length: 1_000_001 }, () => 0) }, 'more than 1000000 values'],
    ['too large', { a: 'x'.repeat(17 << 20) }, 'the config is too large'],
    ['unset', { a: ['${' + 'NOWHERE}'] }, 'the environment value NOWHERE is not set'],
  ])('%s: one problem, and no nodes', (_, value, says) => {
    const { diagnostics, root } = parsed(value)
    expect([root, diagnostics.length]).toEqual([undefined, 1])
    expect(diagnostics[0]?.message).toContain(says)
    if (says.includes('NOWHERE')) expect(diagnostics[0]?.path).toBe('a[0]')
  })
})
