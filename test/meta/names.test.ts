import { expect, test } from 'vitest'
import { read, SOURCES } from './files.ts'
import { exportedNames, exportedTwice } from './names.ts'

test('one concept, one name: no name is exported by two files of src', () => {
  const twice = exportedTwice(new Map(SOURCES.map((file) => [file, read(file)])))
  // Each feature calls its parts so, see docs/architecture.md.
  const parts =
    /^(keys|cells|figures|metrics|decisions|states|endpointStates|control|lints): (src\/features\/[\w-]+\/\w+\.ts(, |$))+$/
  expect(twice.filter((line) => !parts.test(line))).toEqual([])
})

test.each([
  ['export interface A {}', ['A']],
  ['export type A<T> = T', ['A']],
  ['export abstract class A {}', ['A']],
  ['export async function a() {}', ['a']],
  ['export async function* a() {}', ['a']],
  ["export const A = ['x'] as const\nexport type A = (typeof A)[number]", ['A']],
  ['interface A {}\n  export type B\n// export type C', []],
])('reads %s', (text, names) => {
  expect(exportedNames(text)).toEqual(names)
})

test('says which name, and where', () => {
  const sources = new Map([
    ['a.ts', 'export type Origin = string\nexport const a = 1'],
    ['b.ts', 'export interface Origin {}'],
    ['c.ts', 'const Origin = 1'],
  ])
  expect(exportedTwice(sources)).toEqual(['Origin: a.ts, b.ts'])
})
