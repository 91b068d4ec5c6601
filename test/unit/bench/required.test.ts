import { describe, expect, it } from 'vitest'
import { judge, requiredTable } from '../../bench/required.ts'
import { summary } from '../../bench/summary.ts'

const sample = (cpuUs: number | undefined, errors = 0) => ({
  cpuUs,
  busy: 1,
  rps: 1000,
  requests: 1000,
  errors,
  peakMiB: 5,
})
const beside = sample(5)
const row = (peer: string, cpuUs: number | undefined, errors = 0) =>
  summary(peer, 'small', [{ sample: sample(cpuUs, errors), beside }], [])
const BOUND = { peer: 'a', to: 'b', scenario: 'small', atMost: 1.2 }

describe('what is required', () => {
  it('holds up to the bound', () => {
    expect(judge([BOUND], [row('a', 12), row('b', 10)])).toMatchObject([{ measured: 1.2, holds: true }])
  })

  it('fails beyond it', () => {
    expect(judge([BOUND], [row('a', 12.1), row('b', 10)])).toMatchObject([{ holds: false, invalid: undefined }])
  })

  it.each([
    ['one side was left out', [row('a', 12)], 'not measured'],
    ['one side answered nothing', [row('a', 12), row('b', undefined)], 'not measured'],
    ['it was another scenario', [row('a', 12), { ...row('b', 10), scenario: 'post1k' }], 'not measured'],
    ['a side had errors', [row('a', 1, 3), row('b', 10)], 'errors'],
  ])('fails when %s', (_, rows, invalid) => expect(judge([BOUND], rows)).toMatchObject([{ holds: false, invalid }]))

  it('is shown as required, measured, holds', () => {
    const table = requiredTable([
      ...judge([BOUND], [row('a', 11), row('b', 10)]),
      ...judge([BOUND], [row('a', 20), row('b', 10)]),
      ...judge([BOUND], []),
    ])
    expect(table.split('\n').slice(2)).toEqual([
      '| CPU per request, a to b | small | at most 1.20x | 1.10x | yes |',
      '| CPU per request, a to b | small | at most 1.20x | 2.00x | **no** |',
      '| CPU per request, a to b | small | at most 1.20x | – | **no**: not measured |',
    ])
  })
})

describe('summary of rounds', () => {
  it('takes medians, and counts all errors', () => {
    const latency = (p50: number) => ({ rate: 100, p50, p99: 10 * p50, late: 1, errors: 1 })
    const pairs = [
      { sample: sample(30), beside: sample(10) },
      { sample: sample(10), beside: sample(8) },
      { sample: sample(11, 2), beside: sample(11) },
    ]
    const made = summary('a', 'small', pairs, [1, 2, 9].map(latency))
    expect(made).toMatchObject({ cpuUs: 11, cpuUsOfRounds: [30, 10, 11], errors: 2, peakMiB: 5 })
    expect(made).toMatchObject({ quotients: [3, 1.25, 1], ratio: 1.25 })
    expect(made.latency).toEqual({ rate: 100, p50: 2, p99: 20, late: 1, errors: 3 })
  })

  it('leaves rounds without an answer out of the cost', () => {
    const pairs = [sample(undefined, 1), sample(10)].map((one) => ({ sample: one, beside }))
    expect(summary('a', 'small', pairs, [])).toMatchObject({ cpuUs: 10, errors: 1, quotients: [2] })
  })
})
