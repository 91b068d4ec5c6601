import { describe, expect, test } from 'vitest'
import type { Attempt } from '../../../../src/core/attempt.ts'
import { EndpointStateBit } from '../../../../src/core/protocol.ts'
import { EngineKit } from '../../../kit/engine.ts'
import { cookieOf, STICKY, split, spread } from '../../../kit/shares.ts'

const { draining, unhealthy } = EndpointStateBit

describe('the weight of an upstream', () => {
  test.each([
    ['unhealthy', unhealthy],
    ['draining', draining],
  ])('of an upstream without usable endpoint (%s) go to the others in their shares, and come back', (_, state) => {
    const kit = split({ a: 4, b: 2, c: 2 })
    kit.setState(state, 'a')
    const { a, b = 0, c = 0 } = spread(kit, 2000)
    expect(a).toBe(undefined)
    expect(b / (b + c)).toBeCloseTo(0.5, 1)
    expect(new Set(kit.spilled)).toEqual(new Set(['a b', 'a c']))
    expect(kit.spilled.length / 2000).toBeCloseTo(0.5, 1)
    kit.setState(0, 'a')
    expect(spread(kit)).toHaveProperty('a')
  })

  test('one usable endpoint is enough to stay', () => {
    const kit = split({ a: 1, b: 1 })
    kit.setFirst(unhealthy, 'a')
    const { a = 0 } = spread(kit, 2000)
    expect(a / 2000).toBeCloseTo(0.5, 1)
    expect(kit.spilled).toEqual([])
  })
})

describe('a small share is never flooded', () => {
  test('less than a quarter takes nothing: the request goes where it was drawn', () => {
    const kit = split({ a: 97, canary: 3 })
    kit.setState(unhealthy, 'a')
    const { a = 0, canary = 0 } = spread(kit, 1000)
    expect(canary).toBeLessThan(60)
    expect(a + canary).toBe(1000)
    expect(kit.spilled).toEqual([])
  })

  test('exactly a quarter is enough, one less is not', () => {
    const quarter = split({ a: 40, b: 10 })
    quarter.setState(unhealthy, 'a')
    expect(spread(quarter)).toEqual({ b: 400 })
    const less = split({ a: 41, b: 10 })
    less.setState(unhealthy, 'a')
    expect(spread(less)).toHaveProperty('a')
  })

  test('the small one’s own share goes to a larger one', () => {
    const kit = split({ a: 97, canary: 3 })
    kit.setState(unhealthy, 'canary')
    expect(spread(kit)).toEqual({ a: 400 })
  })

  test('of several only those that are large enough and can take it', () => {
    const kit = split({ a: 60, b: 20, c: 15, d: 5 })
    kit.setState(unhealthy, 'a')
    kit.setState(unhealthy, 'b')
    const { a, b, c = 0, d = 0 } = spread(kit, 2000)
    expect([a, b]).toEqual([undefined, undefined])
    expect(d / (c + d)).toBeLessThan(0.16)
    expect(kit.spilled.filter((move) => move.startsWith('a'))).not.toContain('a d')
  })
})

test('where none can take it, it goes where it was drawn', () => {
  const kit = split({ a: 1, b: 1 })
  kit.setState(unhealthy)
  const { a = 0, b = 0 } = spread(kit)
  expect(a).toBeGreaterThan(100)
  expect(b).toBeGreaterThan(100)
  expect(kit.spilled).toEqual([])
})

test('spill: off keeps the shares, whatever comes of it', () => {
  const kit = split({ a: 1, b: 1 }, { spill: false })
  kit.setState(unhealthy, 'a')
  const { a = 0 } = spread(kit, 2000)
  expect(a / 2000).toBeCloseTo(0.5, 1)
})

test('failover comes behind the others of `to`', () => {
  const kit = new EngineKit({ upstreams: { a: 1, b: 1, spare: 1 }, weights: { a: 1, b: 1 } })
  kit.setState(unhealthy, 'a')
  expect(spread(kit)).toEqual({ b: 400 })
  kit.setState(unhealthy, 'b')
  expect(spread(kit)).toEqual({ spare: 400 })
})

test('the same request ID moves to the same upstream', () => {
  const moves = [1, 2].map(() => {
    const kit = split({ a: 1, b: 1, c: 1 })
    kit.setState(unhealthy, 'a')
    spread(kit, 50)
    return kit.spilled
  })
  expect(moves[0]?.length).toBeGreaterThan(5)
  expect(moves[0]).toEqual(moves[1])
})

describe('a policy that lets none pass', () => {
  const closed = (upstream: string, more: object = {}) => ({
    name: 'p',
    usable: (_ex: unknown, name: string) => name !== upstream,
    ...more,
  })

  test('counts like an upstream without endpoint, and is only looked at', () => {
    const asked: string[] = []
    const policy = closed('a', { attempt: (_ex: unknown, at: Attempt) => void asked.push(at.upstream) })
    const kit = split({ a: 1, b: 1 }, { policies: [policy] })
    expect(spread(kit)).toEqual({ b: 400 })
    expect(new Set(asked)).toEqual(new Set(['b']))
  })

  test('is not looked at where there is one upstream', () => {
    const kit = new EngineKit({ policies: [closed('a')] })
    expect(spread(kit, 10)).toEqual({ a: 10 })
  })

  test('at the attempt only, as breakers do that probe: another takes the first attempt, and no further one', () => {
    const refuse = (_ex: unknown, at: Attempt) =>
      at.upstream === 'a' ? ({ reason: 'breaker_open', phase: 'connect', elsewhere: true } as const) : undefined
    const kit = split({ a: 1, b: 1 }, { policies: [{ name: 'p', attempt: refuse }] })
    expect(spread(kit)).toEqual({ b: 400 })
    expect(new Set(kit.spilled)).toEqual(new Set(['a b']))
    expect(kit.finished.every(({ attempts }) => attempts === 1)).toBe(true)
    const small = split({ a: 9, b: 1 }, { policies: [{ name: 'p', attempt: refuse }] })
    expect(spread(small)['-']).toBeGreaterThan(300)
    expect(small.spilled).toEqual([])
  })

  test('for another reason than a breaker keeps its requests', () => {
    const refuse = (_ex: unknown, at: Attempt) =>
      at.upstream === 'a' ? ({ reason: 'bulkhead_full', phase: 'connect' } as const) : undefined
    const kit = split({ a: 1, b: 1 }, { policies: [{ name: 'p', attempt: refuse }] })
    expect(spread(kit)['-']).toBeGreaterThan(100)
  })
})

describe('a sticky cookie', () => {
  test('only while its endpoint is in service', () => {
    const kit = split({ a: 1, b: 1 }, { atUpstreams: { sticky: STICKY } })
    const cookie = cookieOf(kit, 'a')
    kit.setState(unhealthy, 'a')
    expect(spread(kit, 100, ['cookie', cookie])).toEqual({ b: 100 })
    kit.setState(0, 'a')
    expect(spread(kit, 100, ['cookie', cookie])).toEqual({ a: 100 })
  })

  test('gives way to an open breaker: an answer is worth more than a tie', () => {
    let open = false
    const policy = { name: 'p', usable: (_ex: unknown, name: string) => !open || name !== 'a' }
    const kit = split({ a: 1, b: 1 }, { atUpstreams: { sticky: STICKY }, policies: [policy] })
    const cookie = cookieOf(kit, 'a')
    open = true
    expect(spread(kit, 50, ['cookie', cookie])).toEqual({ b: 50 })
  })
})

test('what moves is counted by route and upstreams, and told', () => {
  const kit = split({ a: 1, b: 1 })
  kit.setState(unhealthy, 'a')
  spread(kit, 50)
  expect([...kit.metrics.counts]).toEqual([['sluice_spilled_total r,a,b', kit.spilled.length]])
  const notes = kit.finished.flatMap(({ notes }) => notes?.kept ?? [])
  const [moved] = notes.flatMap((note) => (note.kind === 'decided' ? [note] : []))
  expect(moved?.row.sentence(moved.facts as never)).toBe('a can take no first attempt: it goes to b')
})
