import { expect, test } from 'vitest'
import { unavailable } from '../../../../src/core/link.ts'
import { type PathOf, Places } from '../../../../src/features/respond/places.ts'

const file = (ino: number) => ({ dev: 1n, ino: BigInt(ino), ctimeNs: 1n })

/** Counts the questions. */
function answering(pathOf: PathOf): { readonly places: Places; readonly asked: number[] } {
  const asked: number[] = []
  const places = new Places((fd) => {
    asked.push(fd)
    return pathOf(fd)
  })
  return { places, asked }
}

test.each([
  ['/site', '/site', 'within'],
  ['/site/a', '/site', 'within'],
  ['/site-other/a', '/site', 'elsewhere'],
  ['/', '/site', 'elsewhere'],
  ['/a', '/', 'within'],
  [undefined, '/site', 'within'],
])('a file at %s is, of %s, %s', async (path, base, place) => {
  const { places } = answering(async () => path)
  expect(await places.of(3, file(1), base)).toBe(place)
})

test('only what lay within is kept: what lay elsewhere, or was not told, is asked for again', async () => {
  for (const [answer, place, times] of [
    ['/site/a', 'within', 1],
    ['/elsewhere', 'elsewhere', 2],
    [unavailable('deadline'), 'untold', 2],
  ] as const) {
    const { asked, places } = answering(async () => answer)
    for (let i = 0; i < 2; i++) expect(await places.of(3, file(1), '/site')).toBe(place)
    expect(asked).toHaveLength(times)
  }
})

test('a file that changed, or that lies in another folder, is another one', async () => {
  const { asked, places } = answering(async () => '/site/a')
  const base = file(1)
  for (const one of [base, { ...base, ctimeNs: 2n }, { ...base, dev: 2n }, file(2)]) await places.of(3, one, '/site')
  expect(await places.of(3, base, '/site/b')).toBe('elsewhere')
  expect(asked).toHaveLength(5)
})

test('of ten thousand files it is kept where they lie; one more takes the place of the oldest alone', async () => {
  const { asked, places } = answering(async () => '/site/a')
  for (let i = 0; i <= 10_000; i++) await places.of(i, file(i), '/site')
  expect(asked).toHaveLength(10_001)
  for (let i = 1; i <= 10_000; i++) await places.of(i, file(i), '/site')
  expect(asked).toHaveLength(10_001)
  await places.of(0, file(0), '/site')
  expect(asked.at(-1)).toBe(0)
  expect(asked).toHaveLength(10_002)
})

test('of one file that many open it is asked once; of those that wait there is a bound', async () => {
  const gate = Promise.withResolvers<string>()
  const { asked, places } = answering(() => gate.promise)
  const many = Array.from({ length: 256 }, (_, i) => places.of(i, file(i % 2), '/site'))
  expect(asked).toEqual([0, 1])
  expect(await places.of(300, file(0), '/site')).toBe('untold')
  gate.resolve('/site/a')
  expect(await Promise.all(many)).toEqual(Array(256).fill('within'))
  expect(await places.of(300, file(3), '/site')).toBe('within')
})
