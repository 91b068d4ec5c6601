import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

/** What a file takes from others when it runs: types are erased. */
const IMPORTS = /^(?:import|export) (?!type )(?:[^'"]*? from )?['"]([^'"]+)['"]|\bimport\(['"]([^'"]+)['"]\)/gm

/** The packages that a file and all that it imports may load, each with the file that asks for it. */
function packagesBehind(entry: string): Map<string, string> {
  const packages = new Map<string, string>()
  const seen = new Set([entry])
  for (const file of seen) {
    for (const [, fixed, later] of readFileSync(file, 'utf8').matchAll(IMPORTS)) {
      const name = (fixed ?? later) as string
      if (name.startsWith('.')) seen.add(join(dirname(file), name))
      else if (!name.startsWith('node:')) packages.set(name, file)
    }
  }
  expect(seen.size).toBeGreaterThan(100)
  return packages
}

test('a worker has no client of HTTP but ours', () => {
  expect(packagesBehind('src/data/worker.ts').get('undici')).toBe(undefined)
  // It is seen where it is used.
  expect(packagesBehind('src/cli/run.ts').has('undici')).toBe(true)
})
