import { describe, expect, test } from 'vitest'
import { type Waiter, WaitingLine } from '../../../../src/features/bulkhead/waiting-line.ts'
import { seededRandom } from '../../../../src/lib/random.ts'

interface Named extends Waiter {
  readonly name: string
}

const waiter = (name: string, arrivedAt: number, key = '', importance = 0): Named => ({
  name,
  arrivedAt,
  key,
  importance,
})

function lined(...waiters: Named[]): WaitingLine<Named> {
  const line = new WaitingLine<Named>(4)
  for (const one of waiters) line.add(one)
  return line
}

function all(line: WaitingLine<Named>, newestFirst = false): string[] {
  const names: string[] = []
  for (let importance = 0; importance < 4; importance++) {
    for (let next = line.take(importance, newestFirst); next !== undefined; next = line.take(importance, newestFirst)) {
      names.push(next.name)
    }
  }
  return names
}

describe('a waiting line', () => {
  test('goes by arrival, or the other way round', () => {
    const waiters = [waiter('a', 1), waiter('b', 2), waiter('c', 3)]
    expect(all(lined(...waiters))).toEqual(['a', 'b', 'c'])
    expect(all(lined(...waiters), true)).toEqual(['c', 'b', 'a'])
  })

  test('may change its order at any time', () => {
    const line = lined(waiter('a', 1), waiter('b', 2), waiter('c', 3), waiter('d', 4))
    expect([true, false, true, false].map((newest) => line.take(0, newest)?.name)).toEqual(['d', 'a', 'c', 'b'])
    expect(line.take(0, true)).toBeUndefined()
  })

  test('gives each key its turn, however many of one key wait', () => {
    const line = lined(
      waiter('a1', 1, 'a'),
      waiter('a2', 2, 'a'),
      waiter('a3', 3, 'a'),
      waiter('a4', 4, 'a'),
      waiter('b1', 5, 'b'),
      waiter('b2', 6, 'b'),
      waiter('c1', 7, 'c'),
    )
    expect(all(line)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', 'a4'])
  })

  test('the last is of the key with the most', () => {
    const line = lined(waiter('a1', 1, 'a'), waiter('b1', 2, 'b'), waiter('b2', 3, 'b'), waiter('c1', 4, 'c'))
    expect([line.last(0, false)?.name, line.last(0, true)?.name, line.last(1, false)]).toEqual(['b2', 'b1', undefined])
    expect(['a', 'b', 'd'].map((key) => line.lengthOfKey(0, key))).toEqual([1, 2, 0])
  })

  test('whoever leaves is gone, from any place', () => {
    const [a, b, c] = [waiter('a', 1), waiter('b', 2), waiter('c', 3)] as [Named, Named, Named]
    for (const left of [a, b, c]) {
      const line = lined(a, b, c)
      expect(line.remove(left)).toBe(true)
      expect(line.remove(left)).toBe(false)
      expect(line.length).toBe(2)
      expect(all(line)).toEqual(['a', 'b', 'c'].filter((name) => name !== left.name))
    }
  })

  test('does what a plain list does, whatever happens', () => {
    const random = seededRandom(7)
    const line = new WaitingLine<Named>(2)
    let model: Named[] = []
    for (let step = 0; step < 5000; step++) {
      const choice = random.float()
      if (choice < 0.5) {
        const added = waiter(`w${step}`, step, '', random.float() < 0.5 ? 0 : 1)
        line.add(added)
        model.push(added)
      } else if (choice < 0.6 && model.length > 0) {
        const left = model[Math.floor(random.float() * model.length)] as Named
        expect(line.remove(left)).toBe(true)
        model = model.filter((one) => one !== left)
      } else {
        const importance = random.float() < 0.5 ? 0 : 1
        const newest = random.float() < 0.5
        const mine = model.filter((one) => one.importance === importance)
        const expected = newest ? mine.at(-1) : mine[0]
        expect(line.take(importance, newest)).toBe(expected)
        model = model.filter((one) => one !== expected)
      }
      expect(line.length).toBe(model.length)
      expect(line.lengthOf(1)).toBe(model.filter((one) => one.importance === 1).length)
    }
  })
})
