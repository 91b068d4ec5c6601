import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ProjectCopy } from '../../kit/project-copy.ts'
import { read } from '../../meta/files.ts'

/** A small one, one with cells, one with a half in the control plane. */
const DELETED = [
  ['loopCheck', 'loop-check'],
  ['streams', 'streams'],
  ['slo', 'slo'],
] as const

/** Tests of the frame. */
const FRAME = ['test/unit/features', 'test/unit/core', 'test/unit/data/engine/', 'test/unit/control/registry']
const LIST = 'src/features/index.ts'

let copy: ProjectCopy

beforeAll(async () => {
  copy = await ProjectCopy.make()
})

afterAll(() => copy.close())

describe('a feature comes with its folder and its line', () => {
  test('and does what it declares: two places, a root collection, what it keeps', { timeout: 240_000 }, async () => {
    await copy.write('src/features/toy/feature.ts', read('test/feature/features/toy/feature.txt'))
    await copy.write('test/features/toy/unit/toy.test.ts', read('test/feature/features/toy/toy.test.txt'))
    await copy.list('toy', 'toy')
    expect(await copy.typecheck()).toBe('')
    expect(await copy.test('test/features/toy')).toBe('')
  })

  test('and goes with them', { timeout: 240_000 }, async () => {
    await copy.remove('toy', 'toy')
    expect(await copy.read(LIST)).toBe(read(LIST))
    expect(await copy.typecheck()).toBe('')
  })
})

describe('what is left of the project without a feature', () => {
  test.each(DELETED)('type-checks without %s', { timeout: 240_000 }, async (name, folder) => {
    expect(read(LIST)).toContain(`  ${name},\n`)
    await copy.remove(name, folder)
    expect(await copy.read(LIST)).not.toContain(`  ${name},\n`)
    expect(await copy.typecheck()).toBe('')
  })

  test('passes the tests of the frame without all of them', { timeout: 480_000 }, async () => {
    expect(await copy.test(...FRAME)).toBe('')
  })
})
