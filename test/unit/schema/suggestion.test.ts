import { describe, expect, it } from 'vitest'
import { suggestion } from '../../../src/schema/diagnostics.ts'

describe('suggestion', () => {
  it.each([
    ['timeuots', 'timeouts'],
    ['header-count', 'headerCount'],
    ['HOST', 'host'],
    ['wieght', 'weight'],
    ['retry', undefined],
    ['x', undefined],
  ])('of %s is %s', (word, meant) => {
    expect(suggestion(word, ['timeouts', 'headerCount', 'host', 'weight', 'retries', 'to'])).toBe(meant)
  })

  it('takes the nearest, whatever the order', () => {
    expect(suggestion('order', ['borders', 'orders'])).toBe('orders')
    expect(suggestion('order', ['orders', 'borders'])).toBe('orders')
  })

  it('agrees with the distance as the textbook has it', () => {
    const next = numbers()
    const word = (): string => Array.from({ length: next(9) }, () => 'abc'[next(3)]).join('')
    for (let i = 0; i < 20_000; i++) {
      const [a, b] = [word(), word()]
      const near = a === b || distance(a, b) <= Math.min(2, Math.floor(a.length / 2))
      expect(suggestion(a, [b]), `${a} ${b}`).toBe(near ? b : undefined)
    }
  })
})

function numbers(): (below: number) => number {
  let state = 1
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff
    return (state >> 8) % below
  }
}

/** Optimal string alignment. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)]
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Number.POSITIVE_INFINITY
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i]
    for (let j = 1; j <= b.length; j++) {
      const isSwap = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const replaced = at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const swapped = isSwap ? at(i - 2, j - 2) + 1 : Number.POSITIVE_INFINITY
      ;(rows[i] as number[])[j] = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, replaced, swapped)
    }
  }
  return at(a.length, b.length)
}
