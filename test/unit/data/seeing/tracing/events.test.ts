import { expect, test } from 'vitest'
import type { Attempt } from '../../../../../src/core/attempt.ts'
import type { Exchange } from '../../../../../src/core/exchange.ts'
import { answered, ended, type HeadVerdict } from '../../../../../src/core/outcome.ts'
import type { EventRecord } from '../../../../../src/core/spans.ts'
import { eventsOf } from '../../../../../src/data/seeing/tracing/events.ts'
import { madeAttempt, madeExchange, OK } from '../made-exchange.ts'

const RESET = ended('upstream_reset')
const POOL_FULL = ended('pool_full')

const EPOCH = 1_000_000

function story(ex: Exchange): [number, string, EventRecord['facts']][] {
  return eventsOf(ex, EPOCH, 2000).map(({ at, facts, name }) => [at - EPOCH, name, facts])
}

function begin(ex: Exchange, number: number, head: HeadVerdict, startedAt: number): Attempt {
  const attempt = Object.assign(madeAttempt(number, head, startedAt), { endedAt: startedAt + 5 })
  ex.begin(attempt)
  return attempt
}

test('a request that one attempt answers has none', () => {
  const ex = madeExchange()
  begin(ex, 1, OK, 1000)
  expect(story(ex)).toEqual([])
})

test('a request whose only attempt the pool refused says so', () => {
  const ex = madeExchange()
  begin(ex, 1, POOL_FULL, 1000)
  expect(story(ex)).toEqual([[1005, 'refused', { policy: 'pool', reason: 'pool_full' }]])
})

const ROW = { doc: '', facts: {}, sentence: () => '' }
const SPENT = { ...ROW, event: 'spent' }

test('decisions and what pools refused, in the order of time', () => {
  const ex = madeExchange()
  ex.trace = { sampled: false, dispatched: () => {} }
  ex.note({ at: 1000, kind: 'decided', decision: 'queued', facts: { ms: 3 }, row: { ...ROW, event: 'queued' } })
  ex.note({ at: 1001, kind: 'decided', decision: 'quiet', facts: {}, row: ROW })
  begin(ex, 1, RESET, 1003)
  begin(ex, 2, answered(503), 1020)
  begin(ex, 3, POOL_FULL, 1030)
  begin(ex, 3, OK, 1035)
  begin(ex, 4, OK, 1050)
  ex.refused({ now: () => 1010 }, 'circuitBreaker', 'breaker_open', 'enforce', 'backup')
  ex.refused({ now: () => 1011 }, 'bulkhead', 'bulkhead_full', 'shadow')
  ex.note({ at: 1040, kind: 'decided', decision: 'spent', facts: { upstream: 'orders' }, row: SPENT })
  expect(story(ex)).toEqual([
    [1000, 'queued', { ms: 3 }],
    [1010, 'refused', { policy: 'circuitBreaker', reason: 'breaker_open', mode: 'enforce' }],
    [1011, 'refused', { policy: 'bulkhead', reason: 'bulkhead_full', mode: 'shadow' }],
    [1035, 'refused', { policy: 'pool', reason: 'pool_full' }],
    [1040, 'spent', { upstream: 'orders' }],
  ])
})

test('those of the route that a fallback asks stand with them, in the same lists', () => {
  const ex = madeExchange()
  begin(ex, 1, RESET, 1000)
  const side = ex.under({ name: 'other', record: undefined }, 1005, 0)
  begin(side, 1, RESET, 1010)
  begin(side, 2, OK, 1020)
  side.note({ at: 1015, kind: 'decided', decision: 'spent', facts: { upstream: 'backup' }, row: SPENT })
  expect(ex.allAttempts.map(({ startedAt }) => startedAt)).toEqual([1000, 1010, 1020])
  expect(story(ex)).toEqual([[1015, 'spent', { upstream: 'backup' }]])
  expect(side.notes).toBe(ex.notes)
})

test('32 are kept, and the others counted, whoever left them out', () => {
  const ex = madeExchange()
  for (let i = 0; i < 40; i++)
    ex.note({ at: 1000 + i, kind: 'decided', decision: 'spent', facts: { upstream: 'orders' }, row: SPENT })
  const told = story(ex)
  expect(told).toHaveLength(33)
  expect(told.at(-1)).toEqual([2000, 'more', { left_out: 8 }])
})
