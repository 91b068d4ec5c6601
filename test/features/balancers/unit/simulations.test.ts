import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { boundRow, disruptionRows, LOADS, slowRow, spreadRow } from '../../../../scripts/balancers/results.ts'
import { SimulatedEndpoint, simulate } from '../../../../scripts/balancers/simulate.ts'
import { balancers, PAGE, PICTURE } from '../../../../scripts/balancers.ts'
import { Maglev } from '../../../../src/features/balancers/maglev.ts'
import { Ring } from '../../../../src/features/balancers/ring.ts'
import { mix32 } from '../../../../src/lib/hash.ts'
import { seededRandom } from '../../../../src/lib/random.ts'

const SEEDS = [1, 2]

describe('one of three endpoints becomes 50 times slower', () => {
  test.each(LOADS)('peak-ewma: the 99th percentile hardly grows, at %i requests per second', (load) => {
    for (const seed of SEEDS) {
      const { calm, slow, shareOfSlow } = slowRow('peak-ewma', load, seed)
      expect(slow / calm).toBeLessThan(1.5)
      expect(shareOfSlow).toBeLessThan(0.01)
    }
  })

  test('least-request: it grows less than 3 times while the endpoints are busy', () => {
    for (const seed of SEEDS) {
      const { calm, slow } = slowRow('least-request', 3_000, seed)
      expect(slow / calm).toBeLessThan(3)
    }
  })

  test('least-request: the median does not move, and few requests meet the slow one, at any load', () => {
    for (const load of LOADS) {
      const { calmMedian, slowMedian, shareOfSlow } = slowRow('least-request', load, 1)
      expect(slowMedian / calmMedian).toBeLessThan(1.1)
      expect(shareOfSlow).toBeLessThan(0.04)
    }
  })

  test('round-robin, which looks at nothing, shows that the simulation can tell', () => {
    const { calm, slow, shareOfSlow } = slowRow('round-robin', 1_000, 1)
    expect(slow / calm).toBeGreaterThan(20)
    expect(shareOfSlow).toBeCloseTo(1 / 3, 2)
  })

  test('it is found again when it has recovered', () => {
    const endpoints = Array.from({ length: 3 }, (_, i) => new SimulatedEndpoint(i, 10))
    const [first] = endpoints as [SimulatedEndpoint]
    // What a slow time leaves behind.
    first.latency.observe(2_000, false, 0)
    const { shares } = simulate({
      algorithm: 'peak-ewma',
      endpoints,
      perSecond: 1_000,
      seconds: 90,
      warmUpSeconds: 60,
      seed: 1,
    })
    for (const share of shares) expect(share).toBeGreaterThan(0.1)
  })
})

test.each(['least-request', 'peak-ewma'] as const)(
  '%s: one that fails at once attracts next to nothing',
  (algorithm) => {
    for (const seed of SEEDS) expect(slowRow(algorithm, 1_000, seed).shareOfFailing).toBeLessThan(0.01)
  },
)

test.each([
  ['round-robin', 0.001],
  ['random', 0.05],
  ['least-request', 0.05],
  ['peak-ewma', 0.05],
  ['ring-hash', 0.3],
  ['maglev', 0.06],
] as const)('%s: shares are as the weights say, but for %d', (algorithm, most) => {
  for (const seed of SEEDS) expect(spreadRow(algorithm, seed).worst).toBeLessThan(most)
})

describe('an endpoint leaves', () => {
  test('the keys of the others stay, or nearly', () => {
    const [ring, maglev, modulo] = disruptionRows()
    expect(ring?.needless).toBe(0)
    expect(maglev?.needless).toBeLessThan(0.02)
    expect(modulo?.needless).toBeGreaterThan(0.8)
    for (const row of [ring, maglev]) expect(row?.moved).toBeLessThan(0.14)
  })

  test.each([
    ['ring-hash', () => new Ring(), 0],
    ['maglev', () => new Maglev(), 0.05],
  ] as const)('%s: whatever their number and weights', (_, make, most) => {
    const random = seededRandom(7)
    for (let round = 0; round < 12; round++) {
      const count = 3 + (random.uint32() % 20)
      const members = Array.from({ length: count }, (_, i) => ({
        id: `http://10.${round}.0.${i}:80`,
        // The lightest one stays, so that units stay what they are.
        weight: i === 0 ? 1 : 1 + (random.uint32() % 5),
      }))
      const gone = members[count - 1]
      const [before, after] = [make(), make()]
      before.build(members)
      after.build(members.slice(0, -1))
      let moved = 0
      let others = 0
      for (let i = 0; i < 5_000; i++) {
        const key = mix32(i)
        const owner = members[before.owner(before.place(key))]
        if (owner === gone) continue
        others++
        if (members[after.owner(after.place(key))] !== owner) moved++
      }
      expect(moved / others).toBeLessThanOrEqual(most)
    }
  })
})

test('a ring is bounded, however many members and weights there are', () => {
  const ring = new Ring()
  ring.build(Array.from({ length: 300 }, (_, i) => ({ id: `n${i}`, weight: (i % 1000) + 1 })))
  expect(ring.size).toBeLessThanOrEqual(65_536 + 300)
  ring.build(Array.from({ length: 3 }, (_, i) => ({ id: `n${i}`, weight: 100 })))
  expect(ring.size).toBe(480)
  ring.build([])
  expect(ring.size).toBe(0)
})

test('every place of a maglev table has an owner, by weight', () => {
  const maglev = new Maglev()
  maglev.build([1, 2, 7].map((weight, i) => ({ id: `n${i}`, weight })))
  const counts = [0, 0, 0]
  for (let place = 0; place < maglev.size; place++) counts[maglev.owner(place)]!++
  expect(counts.reduce((a, b) => a + b)).toBe(65_537)
  for (const [i, share] of [0.1, 0.2, 0.7].entries()) {
    expect((counts[i] as number) / 65_537).toBeCloseTo(share, 3)
  }
})

test.each(['ring-hash', 'maglev'] as const)(
  '%s: no endpoint is far above its fair share when loads are bounded',
  (algorithm) => {
    for (const seed of SEEDS) {
      const { bounded, unbounded } = boundRow(algorithm, seed)
      // A share that is no whole number is rounded up.
      expect(bounded).toBeLessThan(1.25 + 5 / 30)
      expect(unbounded).toBeGreaterThan(bounded)
    }
  },
)

test('docs/features/balancers.md and its picture are what npm run balancers writes', () => {
  const read = (file: string): string => readFileSync(new URL(`../../../../${file}`, import.meta.url), 'utf8')
  const { page, picture } = balancers(read(PAGE))
  expect(read(PAGE)).toBe(page)
  expect(read(PICTURE)).toBe(picture)
})
