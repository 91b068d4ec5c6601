import { describe, expect, test } from 'vitest'
import { projectFiles, read, SOURCES } from './files.ts'
import { badLines } from './sources.ts'

test('no file of src has a clock, randomness, a console or module state of its own', () => {
  expect(SOURCES.flatMap((file) => badLines(file, read(file)))).toEqual([])
})

test.each([
  'const at = Date.now()',
  'const t = performance.now()',
  'setTimeout(() => {}, 5)',
  'const n = Math.random()',
  'const id = randomUUID()',
  "console.log('x')",
  '// TODO later',
  'let count = 0',
  'export let current: Engine | undefined',
  'const cache = new Map<string, number>()',
  'export const seen: Set<string> = new Set()',
  'const list: string[] = []',
])('refuses %s', (line) => {
  expect(badLines('src/data/engine/a.ts', line)).toHaveLength(1)
})

test.each([
  'const METHODS: ReadonlySet<string> = new Set(["GET"])',
  'const NAMES: ReadonlyMap<string, number> = new Map(entries)',
  '  private readonly known = new Map<string, number>()',
  '/** Not Date.now: it jumps. */',
])('leaves %s', (line) => {
  expect(badLines('src/data/engine/a.ts', line)).toEqual([])
})

describe('sizes', () => {
  const lines = SOURCES.map((file) => [read(file).split('\n').length, file] as const)

  test('no file of src has more than 420 lines, few more than 300, and the median is small', () => {
    expect(lines.filter(([count]) => count > 420)).toEqual([])
    expect(lines.filter(([count]) => count > 300).length).toBeLessThan(8)
    const sorted = lines.map(([count]) => count).toSorted((a, b) => a - b)
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(120)
  })
})

describe('every file', () => {
  test('names no path of a machine', () => {
    const named = projectFiles(/\.(ts|js|md|json|ya?ml|sh|txt)$|^Dockerfile$|^\.ci\//)
      .filter((file) => file !== 'test/meta/sources.test.ts')
      .flatMap((file) =>
        read(file)
          .split('\n')
          .flatMap((line, i) => (/(^|[\s"'`(=])\/(work|farm)\/\w/.test(line) ? [`${file}:${i + 1}`] : [])),
      )
    expect(named).toEqual([])
  })

  test('of TypeScript is erasable', () => {
    const { compilerOptions } = JSON.parse(read('tsconfig.json')) as { compilerOptions: Record<string, unknown> }
    expect(compilerOptions).toMatchObject({ strict: true, erasableSyntaxOnly: true, verbatimModuleSyntax: true })
  })
})
