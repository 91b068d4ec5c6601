import { expect, it } from 'vitest'
import { expectAt } from '../../../kit/lints.ts'

/** Name, config, what is found at `‸`; undefined: nothing, though nearly. */
const CASES: readonly (readonly [string, string, string | undefined])[] = [
  ['the folder of the config', 'routes:\n  a: { match: {}, respond: { directory: ‸. } }', 'config-served'],
  ['a folder above it', 'routes:\n  a: { match: {}, respond: { directory: ‸.. } }', 'config-served'],
  ['all of the machine', 'routes:\n  a: { match: {}, respond: { directory: ‸/ } }', 'config-served'],
  ['a folder beside it', 'routes:\n  a: { match: {}, respond: { directory: ./site } }', undefined],
  ['a folder whose name is longer', 'routes:\n  a: { match: {}, respond: { directory: ../other } }', undefined],
  ['a single file', 'routes:\n  a: { match: {}, respond: { file: ./page.html } }', undefined],
]

it.each(CASES)('%s', async (_name, sections, expected) => {
  expect(sections.includes('‸')).toBe(expected !== undefined)
  await expectAt(sections, expected)
})
