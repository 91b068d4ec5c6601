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
const BOUND = { peer: 'a', to: 'b', scenario: 'small', atMost: 1.2, kind: 'bar' } as const

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
      '| CPU per request, a to b | small | bar | 1.20x | 1.10x | yes |',
      '| CPU per request, a to b | small | bar | 1.20x | 2.00x | **no** |',
      '| CPU per request, a to b | small | bar | 1.20x | – | **no**: not measured |',
    ])
  })

  it('tells aims from bars', () => {
    expect(requiredTable(judge([{ ...BOUND, kind: 'aim' }], [row('a', 20), row('b', 10)]))).toMatch(
      '| CPU per request, a to b | small | aim | 1.20x | 2.00x | **no** |',
    )
  })

  it('may be a difference in µs', () => {
    const bound = { ...BOUND, atMost: 8, of: 'cpu µs' } as const
    expect(judge([bound], [row('a', 17), row('b', 10)])).toMatchObject([{ measured: 7, unit: ' µs', holds: true }])
    expect(judge([bound], [row('a', 18.5), row('b', 10)])).toMatchObject([{ measured: 8.5, holds: false }])
  })

  it('may be a percentile at the fixed rate, which needs answers without errors on both sides', () => {
    const bound = { ...BOUND, atMost: 2, of: 'p99' } as const
    const paced = (peer: string, p99: number, errors = 0) => ({
      ...row(peer, 10),
      latency: { rate: 100, p50: 1, p99, late: 0, errors },
    })
    expect(judge([bound], [paced('a', 4), paced('b', 2)])).toMatchObject([{ measured: 2, holds: true }])
    expect(judge([bound], [paced('a', 5), paced('b', 2)])).toMatchObject([{ measured: 2.5, holds: false }])
    expect(judge([bound], [paced('a', 1, 3), paced('b', 2)])).toMatchObject([{ holds: false, invalid: 'errors' }])
    expect(judge([bound], [row('a', 10), paced('b', 2)])).toMatchObject([{ holds: false, invalid: 'not measured' }])
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
