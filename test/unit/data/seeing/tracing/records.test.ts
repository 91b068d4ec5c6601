import { expect, test } from 'vitest'
import { ended, OVERTAKEN } from '../../../../../src/core/outcome.ts'
import { recordOf } from '../../../../../src/data/seeing/tracing/records.ts'
import { RequestTrace } from '../../../../../src/data/seeing/tracing/request-trace.ts'
import { seededRandom } from '../../../../../src/lib/random.ts'
import { madeAttempt, madeExchange, OK } from '../made-exchange.ts'

const FACTS = { gateway: 'edge', route: 'orders', pattern: undefined, status: 200, now: 2000, epoch: 1_000_000 }

test.each([true, false])(
  'attempts, sampled %s: what pools refused has no span, those beside another one say so',
  (sampled) => {
    const random = seededRandom(5)
    const ex = madeExchange()
    const trace = new RequestTrace(sampled, '', ex.traceparent, true, random)
    const first = madeAttempt(1, OVERTAKEN, 1000)
    const refused = madeAttempt(2, ended('pool_full'), 1040)
    const second = madeAttempt(2, OK, 1050)
    const told = [first, refused, second].map((attempt) => {
      const headers: string[] = []
      ex.begin(attempt)
      trace.dispatched(attempt, headers)
      return headers[1]?.split('-')[2]
    })
    second.beside = true
    const { attempts } = recordOf(ex, trace, { ...FACTS, random })
    expect(attempts.map(({ beside, number, startedAt }) => [number, beside, startedAt])).toEqual([
      [1, false, 1_001_000],
      [2, true, 1_001_050],
    ])
    expect(new Set(attempts.map(({ spanId }) => spanId)).size).toBe(2)
    for (const { spanId } of attempts) expect(spanId).toMatch(/^[0-9a-f]{16}$/)
    // Upstreams know the spans of their attempts.
    if (sampled) expect(attempts.map(({ spanId }) => spanId)).toEqual([told[0], told[2]])
    else expect(told).toEqual([undefined, undefined, undefined])
  },
)

test.each([
  ['complete', undefined],
  ['failed', 'upstream_error'],
  ['broken_by_upstream', 'response_incomplete'],
  ['tunnel_broken', 'response_incomplete'],
  ['broken_by_us', undefined],
] as const)('an attempt with a good head that ended as %s: %s', (end, reason) => {
  const random = seededRandom(5)
  const ex = madeExchange()
  const attempt = Object.assign(madeAttempt(1, OK, 1000), { end })
  ex.begin(attempt)
  const trace = new RequestTrace(true, '', ex.traceparent, true, random)
  expect(recordOf(ex, trace, { ...FACTS, random }).attempts.map((one) => one.reason)).toEqual([reason])
})
