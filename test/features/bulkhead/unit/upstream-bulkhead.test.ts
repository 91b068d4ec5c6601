import { describe, expect, test } from 'vitest'
import type { CellSpace } from '../../../../src/cells/space.ts'
import { NO_RELIEF } from '../../../../src/core/relief.ts'
import { bulkhead } from '../../../../src/features/bulkhead/feature.ts'
import { UpstreamPermits } from '../../../../src/features/bulkhead/permits.ts'
import { TestCells } from '../../../kit/cells.ts'
import { EngineKit } from '../../../kit/engine.ts'

const reason = (kit: EngineKit, i: number) => kit.finished[i]?.failure?.reason

test('permits are counted over all workers, and over limits', () => {
  const cells = new TestCells(2)
  const refs = { inFlight: cells.held(), call: cells.word() }
  const made = (worker: number, limit: number) =>
    new UpstreamPermits(limit, {
      cells: refs,
      space: cells.spaces[worker] as CellSpace,
      relief: NO_RELIEF,
      use: { at: 'upstream', name: 'a', options: {}, upstreams: ['a'], reach: {} },
    })
  const [a, b] = [made(0, 2), made(1, 2)]
  expect([a.take(), b.take(), a.take(), a.isFull(0), b.isFull(0), b.isFull(1)]).toEqual([
    true,
    true,
    false,
    true,
    true,
    false,
  ])
  expect(made(0, 3).isFull(0)).toBe(false)
  b.give()
  expect([a.isFull(0), a.take()]).toEqual([false, true])
})

test('its refusals have a policy of their own, told by the name of the upstream', () => {
  const { as, told } = bulkhead.upstream?.refuses ?? {}
  const kit = new EngineKit({ maxAttempts: 1 })
  kit.send()
  kit.send()
  expect(kit.finished[0]?.notes?.kept).toMatchObject([{ kind: 'refused', policy: as, upstream: 'a' }])
  expect(told?.bulkhead_full?.('a')).toBe('the bulkhead of a is full')
})

describe('the bulkhead of an upstream', () => {
  test('bounds its attempts; beyond it there is no attempt', () => {
    const kit = new EngineKit({ maxAttempts: 2 })
    for (let i = 0; i < 3; i++) kit.send()
    expect([kit.finished.length, reason(kit, 0), kit.finished[0]?.attempts]).toEqual([1, 'bulkhead_full', 0])
    expect(kit.finished[0]?.failure).toMatchObject({ phase: 'limit', origin: 'sluice', retryAfterMs: 1000 })
    kit.latest.connect()
    kit.latest.answer(200)
    kit.send()
    expect(kit.finished.length).toBe(2)
  })

  test('the next candidate follows', () => {
    const kit = new EngineKit({ maxAttempts: 1, upstreams: { a: 1, b: 1 } })
    for (let i = 0; i < 3; i++) kit.send()
    const [refused] = kit.finished
    expect([kit.finished.length, refused?.failure?.reason]).toEqual([1, 'bulkhead_full'])
    expect(kit.upstreams.map((upstream) => upstream.parts.permits?.isFull(0))).toEqual([true, true])
  })

  test.each(['client', 'failure', 'answer'])('a permit comes back whichever way the attempt ends: %s', (end) => {
    const kit = new EngineKit({ maxAttempts: 1, retries: { maxExtra: 0 } })
    const sent = kit.send()
    kit.latest.connect()
    if (end === 'client') sent.downstream.reset()
    else if (end === 'failure') kit.latest.fail({ reason: 'upstream_reset' })
    else kit.latest.answer(200)
    expect(kit.upstreams[0]?.parts.permits?.isFull(0)).toBe(false)
    kit.send()
    expect(kit.finished.length).toBe(1)
  })

  test('a retry is an attempt, too', () => {
    const kit = new EngineKit({ maxAttempts: 1 })
    kit.send()
    kit.latest.connect()
    kit.latest.fail({ reason: 'upstream_reset' })
    kit.clock.advance(300)
    expect(kit.upstreams[0]?.parts.permits?.isFull(0)).toBe(true)
    kit.latest.connect()
    kit.latest.answer(200)
    expect(kit.upstreams[0]?.parts.permits?.isFull(0)).toBe(false)
  })

  test('pool_full gives it back', () => {
    const kit = new EngineKit({ maxAttempts: 3, connections: { max: 1, maxWaiting: 0 } })
    kit.send()
    kit.send()
    expect(reason(kit, 0)).toBe('pool_full')
    kit.latest.connect()
    kit.latest.answer(200)
    expect(kit.upstreams[0]?.parts.permits?.isFull(0)).toBe(false)
    kit.send()
    kit.latest.connect()
    kit.latest.answer(200)
    expect(kit.finished.map(({ failure }) => failure?.reason)).toEqual(['pool_full', undefined, undefined])
  })
})
