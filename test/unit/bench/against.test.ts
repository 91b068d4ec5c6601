import { describe, expect, it } from 'vitest'
import { pairs } from '../../bench/against.ts'
import { readArgs } from '../../bench/args.ts'
import { summary } from '../../bench/summary.ts'

const sides = (before: readonly number[], now: readonly number[], errors = 0) => {
  const sample = (cpuUs: number | undefined) => ({ cpuUs, busy: 1, rps: 1000, requests: 1000, errors, peakMiB: 10 })
  return Object.entries({ before, now }).map(([peer, costs]) =>
    summary(
      peer,
      'small',
      costs.map((cpuUs, round) => ({ sample: sample(cpuUs), beside: sample(before[round]) })),
      [],
    ),
  )
}

describe('a comparison with another checkout', () => {
  it('judges the median of the quotients of rounds, not the quotient of medians', () => {
    const { required, text } = pairs(sides([10, 20, 40], [10.4, 20, 44]), 1.05)
    expect(required).toMatchObject([{ scenario: 'small', measured: 1.04, holds: true }])
    expect(text.split('\n').at(-1)).toBe('| small | 3 | 1.040x | 1.000x | 1.100x | 1.000x | 1.100x |')
  })

  it.each([
    ['what became dearer', sides([10, 10, 10], [10.6, 10.6, 10.4])],
    ['rounds with errors', sides([10], [10], 1)],
    ['a side that did not run', sides([], [10])],
  ])('does not let pass %s', (_, rows) => expect(pairs(rows, 1.05).required).toMatchObject([{ holds: false }]))

  it('may be asked for less than before', () => {
    expect(pairs(sides([10], [8]), 0.75).required).toMatchObject([{ atMost: 0.75, measured: 0.8, holds: false }])
    expect(pairs(sides([10], [7]), 0.75).required).toMatchObject([{ holds: true }])
    expect(() => readArgs(['--against', '/elsewhere', '--at-most', 'x'])).toThrow('--at-most: a number above 0')
  })

  it('keeps its results from ten rounds on', () => {
    const args = ['--against', '/elsewhere', '--rounds']
    expect(readArgs([...args, '9'])).toMatchObject({ mode: { name: 'against' }, whole: false })
    expect(readArgs([...args, '10'])).toMatchObject({ whole: true })
    expect(() => readArgs([...args, '10', '--costs'])).toThrow('one of --costs, --against at a time')
  })
})
