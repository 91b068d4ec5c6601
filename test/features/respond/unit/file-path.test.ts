import { describe, expect, test } from 'vitest'
import { placeInFolder } from '../../../../src/features/respond/file-path.ts'
import { seededRandom } from '../../../../src/lib/random.ts'

describe('a path that names a file', () => {
  test.each([
    ['/', '', true],
    ['', '', false],
    ['/a.txt', 'a.txt', false],
    ['/a/b/', 'a/b', true],
    ['/a%20b/%C3%BC.txt', 'a b/ü.txt', false],
    ['/a;v=1/b', 'a;v=1/b', false],
    ['/a..b/c..', 'a..b/c..', false],
    ['/.well-known/security.txt', '.well-known/security.txt', false],
    ['/%2541', '%41', false],
  ])('%j', (path, file, isFolder) => {
    expect(placeInFolder(path)).toEqual({ path: file, isFolder })
  })
})

/** Kinds of names that lead elsewhere. */
const TARGETS = ['..', '.', '...', '.git', '.env', '.well-known.', '', '\0', '\n', '\x7f', '\\', '/', '..\\..']
/** Ways to write them. */
const ENCODINGS: readonly ((name: string) => string)[] = [
  (name) => name,
  (name) => encodeURIComponent(name),
  (name) => name.replaceAll(/[^a-z]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`),
  (name) => name.replaceAll(/[^a-z]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`),
]
/** Places in which they stand. */
const PLACES: readonly ((name: string) => string)[] = [
  (name) => `/${name}/etc/passwd`,
  (name) => `/a/${name}/${name}/etc/passwd`,
  (name) => `/a/${name}`,
  (name) => `/a/${name}/`,
  (name) => `/${name}${name}`,
]

describe('a path that names no file', () => {
  test.each(TARGETS.map((name) => [JSON.stringify(name), name]))('%s, in every encoding and place', (_, name) => {
    for (const encoded of ENCODINGS.map((encode) => encode(name)))
      for (const path of PLACES.map((place) => place(encoded))) {
        const place = placeInFolder(path)
        // Beside dots, what is left of the name may be one of its own: `%2e%2e` twice is `....`, which is hidden, too.
        if (place !== undefined) expect(place.path).not.toMatch(/(^|\/)\.|\\|[\x00-\x1f\x7f]|\/\/|^\/|\/$/)
        if (name !== '' && path !== `/${encoded}${encoded}`) expect([path, place]).toEqual([path, undefined])
      }
  })

  test.each(['/%', '/%zz', '/%c0%ae%c0%ae/x', '/%e0%80%ae/x', '/%ff', '/a%2fb', '/a%2Fb', '/a%5cb', '/a%00.txt'])(
    '%s',
    (path) => expect(placeInFolder(path)).toBeUndefined(),
  )

  test('one that is longer than any', () => {
    expect(placeInFolder(`/${'a'.repeat(5_000)}`)).toBeUndefined()
    expect(placeInFolder(`/${'%41'.repeat(5_000)}`)).toBeUndefined()
  })

  test('fuzz: whatever is found lies below the folder, is not hidden, and has no control character', () => {
    const random = seededRandom(7)
    const parts = ['..', '.', '/', '%2e', '%2E', '%2f', '%5c', '\\', 'a', '%00', ';', '%', '~', '%c3%bc', '%c0%af', ' ']
    for (let i = 0; i < 20_000; i++) {
      const count = 1 + (random.uint32() % 8)
      const path = `/${Array.from({ length: count }, () => parts[random.uint32() % parts.length]).join('')}`
      const found = placeInFolder(path)
      if (found === undefined || found.path === '') continue
      for (const name of found.path.split('/')) {
        expect(name).not.toMatch(/^$|^\.|[\\\x00-\x1f\x7f]/)
      }
    }
  })
})
