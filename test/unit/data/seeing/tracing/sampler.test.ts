import { describe, expect, test } from 'vitest'
import { Attempt } from '../../../../../src/core/attempt.ts'
import type { Exchange } from '../../../../../src/core/exchange.ts'
import type { SamplingConfig } from '../../../../../src/core/seeing-config.ts'
import { newTraceparents } from '../../../../../src/data/seeing/trace.ts'
import type { RequestTrace } from '../../../../../src/data/seeing/tracing/request-trace.ts'
import { type Held, TraceSampler } from '../../../../../src/data/seeing/tracing/sampler.ts'
import { seededRandom } from '../../../../../src/lib/random.ts'
import { madeExchange } from '../made-exchange.ts'

const CONFIG: SamplingConfig = { sample: 0.01, errors: 'sampled', parents: 'any', requests: 2 }

function begin(over: Partial<SamplingConfig>, traceparent: string, continued: boolean, held = holder()): Exchange {
  const ex = madeExchange()
  ex.traceparent = traceparent
  ex.continued = continued
  new TraceSampler({ ...CONFIG, ...over }, seededRandom(7), held).begin(ex)
  return ex
}

function holder(): Held & { refused: number } {
  return {
    count: 0,
    refused: 0,
    full() {
      this.refused++
    },
  }
}

const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7'

describe('traces that begin here', () => {
  test('are sampled in their share, and by all gateways alike: the larger share holds the smaller one', () => {
    const traces = newTraceparents(seededRandom(3))
    const counts = { few: 0, many: 0 }
    for (let i = 0; i < 20_000; i++) {
      const traceparent = traces.next()
      const few = begin({ sample: 0.01 }, traceparent, false).trace !== undefined
      const again = begin({ sample: 0.01 }, traceparent, false).trace !== undefined
      const many = begin({ sample: 0.2 }, traceparent, false).trace !== undefined
      expect(again).toBe(few)
      if (few) expect(many).toBe(true)
      counts.few += Number(few)
      counts.many += Number(many)
    }
    expect(counts.few / 20_000).toBeCloseTo(0.01, 2)
    expect(counts.many / 20_000).toBeCloseTo(0.2, 1)
  })

  test('say so, with the share, and begin with our span', () => {
    const traceparent = `${PARENT.slice(0, -16)}00f067aa0ba902b7-00`
    const ex = begin({ sample: 1 }, traceparent, false)
    expect([ex.traceparent, ex.tracestate]).toEqual([`${PARENT}-01`, 'ot=th:0'])
    expect(ex.trace).toMatchObject({ sampled: true, continued: false, spanId: '00f067aa0ba902b7' })
    expect(begin({ sample: 0.25 }, `00-${'f'.repeat(32)}-00f067aa0ba902b7-00`, false).tracestate).toBe('ot=th:c')
  })

  test('say that their IDs are random, sampled or not, and attempts do so too', () => {
    const made = newTraceparents(seededRandom(1)).next()
    expect(made.endsWith('-02')).toBe(true)
    expect(begin({ sample: 0 }, made, false).traceparent).toBe(made)
    const ex = begin({ sample: 1 }, made, false)
    expect(ex.traceparent).toBe(`${made.slice(0, 53)}03`)
    const headers: string[] = []
    ex.trace?.dispatched(new Attempt(1, 'a', 0), headers)
    expect(headers[1]).toMatch(new RegExp(`^${made.slice(0, 35)}-(?!${made.slice(36, 52)}).{16}-03$`))
  })

  test('none are sampled at 0, and all at 1', () => {
    expect(begin({ sample: 0 }, `00-${'f'.repeat(32)}-00f067aa0ba902b7-00`, false).trace).toBeUndefined()
    expect(begin({ sample: 1 }, `00-${'1'.padStart(32, '0')}-00f067aa0ba902b7-00`, false).trace).toBeDefined()
  })
})

describe('traces that began elsewhere', () => {
  test.each([
    ['00', '01', '01'],
    ['00', '03', '03'],
    ['00', '0b', '03'],
    ['00', '05', '01'],
    ['00', 'fd', '01'],
    ['00', 'ff', '03'],
    ['01', '03', '01'],
    ['cc', 'ff', '01'],
  ])('of version %s are recorded where their flags %s say so, and go on with %s of ours', (version, came, flags) => {
    const ex = begin({ sample: 0 }, `${version}${PARENT.slice(2)}-${came}${version === 'cc' ? '-more' : ''}`, true)
    expect(ex.trace).toMatchObject({ sampled: true, continued: true })
    expect(ex.traceparent).toMatch(
      new RegExp(`^00-4bf92f3577b34da6a3ce929d0e0e4736-(?!00f067aa0ba902b7).{16}-${flags}$`),
    )
    expect(ex.tracestate).toBeUndefined()
  })

  test.each([
    ['00', '00', '00'],
    ['00', '02', '02'],
    ['00', '0a', '02'],
    ['00', '04', '00'],
    ['00', 'fe', '02'],
    ['01', '02', '00'],
    ['cc', 'fe', '00'],
  ])('of version %s are not where %s says that they are not, and pass with %s', (version, came, flags) => {
    const ex = begin({ sample: 1 }, `${version}${PARENT.slice(2)}-${came}${version === 'cc' ? '-more' : ''}`, true)
    expect([ex.trace, ex.traceparent]).toEqual([undefined, `${PARENT}-${flags}`])
  })

  test('of strangers are decided by their ID with parents: proxies', () => {
    expect(begin({ sample: 0, parents: 'proxies' }, `${PARENT}-01`, true).traceparent).toBe(`${PARENT}-00`)
    expect(begin({ sample: 0, parents: 'proxies' }, `${PARENT}-0f`, true).traceparent).toBe(`${PARENT}-02`)
    expect(begin({ sample: 1, parents: 'proxies' }, `${PARENT}-02`, true).traceparent.endsWith('-03')).toBe(true)
    const ex = begin({ sample: 1, parents: 'proxies' }, `${PARENT}-00`, true)
    expect(ex.trace).toMatchObject({ sampled: true, continued: true })
    expect(ex.traceparent.endsWith('-01')).toBe(true)
  })
})

test('of those that are not sampled only so many are kept, and the others counted', () => {
  const held = holder()
  const traces = [1, 2, 3].map(() => begin({ errors: 'always', sample: 0 }, `${PARENT}-00`, true, held).trace)
  expect(traces.map((trace) => (trace as RequestTrace | undefined)?.sampled)).toEqual([false, false, undefined])
  expect(held).toMatchObject({ count: 2, refused: 1 })
})
