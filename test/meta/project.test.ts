import { describe, expect, test } from 'vitest'
import { projectFiles, read } from './files.ts'

interface Manifest {
  readonly dependencies: Record<string, string>
  readonly devDependencies: Record<string, string>
}

interface Lock {
  readonly packages: Record<
    string,
    { readonly resolved?: string; readonly optionalDependencies?: Record<string, string> }
  >
}

const manifest = JSON.parse(read('package.json')) as Manifest
const lock = JSON.parse(read('package-lock.json')) as Lock

describe('docs/dependencies.md', () => {
  const rows = (from: string, to: string): string[] => {
    const text = read('docs/dependencies.md')
    const part = text.slice(text.indexOf(from), text.indexOf(to))
    return [...part.matchAll(/^\| `([^`]+)` \| (\S.*) \|/gm)].map((match) => match[1] as string)
  }

  test('has a line for every package, and for no other', () => {
    expect(rows('## At run time', '## For development')).toEqual(Object.keys(manifest.dependencies).toSorted())
    expect(rows('## For development', '## Chosen')).toEqual(Object.keys(manifest.devDependencies).toSorted())
  })
})

describe('the lockfile', () => {
  test('names no registry', () => {
    expect(Object.entries(lock.packages).filter(([, entry]) => entry.resolved?.startsWith('http'))).toEqual([])
  })

  test('has every optional package, so that npm ci agrees with it on every platform', () => {
    const known = (from: string, name: string): boolean =>
      Object.hasOwn(lock.packages, `${from}/node_modules/${name}`) ||
      Object.hasOwn(lock.packages, `node_modules/${name}`)
    const missing = Object.entries(lock.packages).flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {}).filter((name) => !known(path, name)),
    )
    expect(missing).toEqual([])
  })

  test('and every version is exact', () => {
    const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
  })
})

test('every test file asserts something', () => {
  const silent = projectFiles(/^test\/.*\.test\.ts$/).filter(
    (file) => !/\bexpect\(|\bdescribe(Transport|Downstream|Ingress|Source|Store)\w*\(/.test(read(file)),
  )
  expect(silent).toEqual([])
})
