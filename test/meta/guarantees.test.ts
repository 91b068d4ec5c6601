import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT, read } from './files.ts'

test('every test that docs/guarantees.md names is there', () => {
  const named = [...read('docs/guarantees.md').matchAll(/`(test\/[^`]+)`/g)].map((match) => match[1] as string)
  expect(named.length).toBeGreaterThan(15)
  expect(named.filter((file) => !existsSync(join(ROOT, file)))).toEqual([])
})
