import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../../../src/config/load.ts'
import { loadDeps } from '../../../../src/config/load-deps.ts'
import { parseYaml } from '../../../../src/config/read/document.ts'

const TOO_DEEP = 'nested deeper than 100 levels'
const parsed = (text: string) => parseYaml('a.yaml', Buffer.from(text), {})
const messages = (text: string): readonly string[] => parsed(text).diagnostics.map(({ message }) => message)
/** Each holds the one before. */
const chain = (length: number): string =>
  ['a0: &a0 [x]', ...Array.from({ length }, (_, i) => `a${i + 1}: &a${i + 1} [*a${i}]`)].join('\n')

describe('depth ends the reading where it is too much', () => {
  const MUCH = 1_000_000

  test.each([
    ['lists in [ ]', `a: ${'['.repeat(MUCH)}${']'.repeat(MUCH)}`, 104],
    ['lists that are never closed', `a: ${'['.repeat(MUCH)}`, 104],
    ['maps in { }', `a: ${'{a: '.repeat(MUCH)}1`, 404],
    ['lists as lines have them', `${'- '.repeat(MUCH)}1`, 203],
    ['keys that are maps', `${'? '.repeat(MUCH)}1`, 203],
  ])('%s', (_, text, column) => {
    const { diagnostics, root } = parsed(text)
    expect(root).toBeUndefined()
    expect(diagnostics).toEqual([
      { severity: 'error', at: { file: 'a.yaml', line: 1, column }, path: '', message: TOO_DEEP },
    ])
  })

  test('maps as lines have them', () => {
    const lines = Array.from({ length: 2_000 }, (_, i) => `${' '.repeat(i)}a:`)
    expect(messages(lines.join('\n'))).toEqual([TOO_DEEP])
  })

  test('a hundred levels are fine in every form', () => {
    for (const text of [
      `a: ${'['.repeat(99)}${']'.repeat(99)}`,
      `a: ${'{a: '.repeat(98)}1${'}'.repeat(98)}`,
      `${'- '.repeat(99)}1`,
      Array.from({ length: 99 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
    ])
      expect(messages(text)).toEqual([])
  })

  test('aliases are followed', () => {
    expect(messages(chain(90))).toEqual([])
    expect(messages(chain(120))).toEqual([TOO_DEEP])
    expect(messages(chain(20_000))).toEqual([TOO_DEEP])
  })
})

describe('aliases', () => {
  test('are counted with what they stand for', () => {
    const lines = Array.from({ length: 8 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(9).fill(`*a${i}`).join()}]`)
    expect(messages(['a0: &a0 [x,x,x,x,x,x,x,x,x]', ...lines].join('\n'))).toEqual([
      'aliases expand to more than 1000000 values',
    ])
    const keys = Array.from({ length: 1_000 }, (_, i) => `k${i}: 1`).join(', ')
    const merged = Array.from({ length: 1_000 }, () => '  - <<: *m').join('\n')
    expect(messages(`m: &m {${keys}}\nb:\n${merged}`)).toEqual(['aliases expand to more than 1000000 values'])
  })

  test('each takes no longer than the one before', () => {
    const many = Array.from({ length: 10_000 }, (_, i) => `- &a${i} x\n- *a${i}\n- *first`).join('\n')
    const { diagnostics, root } = parsed(`f: &first {a: 1}\nb:\n${many}`)
    expect(diagnostics).toEqual([])
    expect(root?.kind === 'map' && root.entries.get('b')?.value).toMatchObject({ items: { length: 30_000 } })
  })

  test.each([
    ['the latest of a name counts', 'a: &x 1\nb: *x\nc: &x 2\nd: *x', { b: 1, d: 2 }],
    ['one inside another of its name', 'a: &x [ &x 1, *x ]\nb: *x', { b: 1 }],
    ['one behind another of its name', 'a: &x [ &y 1 ]\nb: &x 2\nc: [*x, *y]', { c: [2, 1] }],
  ])('%s', (_, text, want) => {
    const { root } = parsed(text)
    const plain = (node: typeof root): unknown =>
      node?.kind === 'list' ? node.items.map(plain) : node?.kind === 'scalar' ? node.value : undefined
    for (const [key, value] of Object.entries(want))
      expect(root?.kind === 'map' && plain(root.entries.get(key)?.value)).toEqual(value)
  })

  test.each([
    ['to what they stand in', 'a: &x [*x]', '*x refers to what it stands in'],
    ['to what comes later', 'a: *x\nb: &x 1', '*x: there is no &x before it'],
    ['to a key', 'a: &x 1\n&x b: 1\nc: *x', '*x: there is no &x before it'],
  ])('%s', (_, text, message) => expect(messages(text)[0]).toContain(message))
})

test('a second document', () => {
  expect(parsed('a: 1\n---\nb: 1').diagnostics).toMatchObject([
    { at: { line: 2 }, message: 'a second document starts here; a file has only one' },
  ])
})

test('a hundred thousand comments that silence something are each looked at once', async () => {
  const yaml = `${'# sluice-ignore nothing: at all\n'.repeat(100_000)}apiVersion: sluice/v1
listeners: { web: { listen: "127.0.0.1:8080" } }
routes: { a: { match: { path: /* }, respond: {} } }
`
  const readFile = async () => Buffer.from(yaml)
  const { config, diagnostics } = await loadConfig('a.yaml', { ...loadDeps({}), readFile, readFolder: async () => [] })
  expect(config).toBeDefined()
  expect(diagnostics).toHaveLength(100_000)
})
