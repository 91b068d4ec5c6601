import { describe, expect, test } from 'vitest'
import type { Policy } from '../../../../src/core/policy.ts'
import { MemoryDownstream } from '../../../../src/data/ingress/memory.ts'
import { circuitBreaker } from '../../../../src/features/circuit-breaker/feature.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { EngineKit, type EngineSetUp, type Sent } from '../../../kit/engine.ts'
import { PEER } from '../../../kit/exchange.ts'
import { CompiledUse } from '../../../kit/feature.ts'

/** A route with a breaker for each of its upstreams, over a scripted transport in virtual time. One attempt a request. */
class Rig {
  readonly changes: string[] = []
  readonly kit: EngineKit
  readonly policy: Policy

  constructor(options: object = {}, setUp: EngineSetUp = {}) {
    const clock = new ManualClock()
    const upstreams = Object.keys(setUp.upstreams ?? { a: 1 })
    this.policy = new CompiledUse(circuitBreaker, options, {
      clock,
      upstreams,
      report: (notice) => {
        if (notice.kind === 'state') this.changes.push(`${notice.labels.join(' ')} ${notice.state}`)
      },
    }).policy
    this.kit = new EngineKit({ retries: { maxExtra: 0 }, ...setUp, clock, policies: [this.policy] })
  }

  /** Requests that are answered with `status` if they reach an upstream; how many did. */
  answered(status: number, count: number): number {
    return this.each(count, () => this.kit.latest.answer(status))
  }

  each(count: number, finish: () => void): number {
    let reached = 0
    for (let i = 0; i < count; i++) {
      if (this.send().ended) continue
      reached++
      this.kit.latest.connect()
      finish()
    }
    return reached
  }

  send(): Sent {
    return this.kit.send()
  }
}

function field(sent: Sent, name: string): string | undefined {
  const headers = sent.reply?.headers ?? []
  const at = headers.indexOf(name)
  return at === -1 ? undefined : headers[at + 1]
}

describe('a circuit breaker', () => {
  test('opens on failures of the upstream and answers at once, saying when to come again', () => {
    const rig = new Rig()
    expect(rig.answered(503, 30)).toBe(20)
    const refused = rig.send()
    expect(refused.reply?.status).toBe(503)
    expect(field(refused, 'proxy-status')).toBe('test; error=destination_unavailable; details="breaker_open"')
    expect(Number(field(refused, 'retry-after'))).toBeGreaterThanOrEqual(5)
    expect(rig.changes).toEqual(['r a open'])
    expect(rig.kit.finished.at(-1)).toMatchObject({
      attempts: 0,
      failure: { reason: 'breaker_open', phase: 'connect' },
    })
  })

  test('says whether attempts would pass, and a look takes none of the probes', () => {
    const rig = new Rig({ openFor: '5s', halfOpen: { attempts: 1 } }, { upstreams: { a: 1, b: 1 } })
    const usable = (name: string): boolean | undefined => rig.policy.usable?.(undefined as never, name)
    expect([usable('a'), usable('b'), usable('unknown')]).toEqual([true, true, true])
    rig.answered(503, 20)
    expect([usable('a'), usable('b')]).toEqual([false, true])
    rig.kit.clock.advance(7_000)
    for (let i = 0; i < 100; i++) expect(usable('a')).toBe(true)
    expect(rig.answered(200, 1)).toBe(1)
    expect(rig.changes.at(-1)).toMatch(/ramping|closed/)
  })

  test('in shadow takes part in no look', () => {
    const rig = new Rig({ mode: 'shadow' })
    rig.answered(503, 30)
    expect(rig.policy.usable?.(undefined as never, 'a')).toBe(true)
  })

  test.each([400, 404, 429, 500, 501])('does not take %i for a failure of the upstream', (status) => {
    const rig = new Rig()
    expect(rig.answered(status, 40)).toBe(40)
    expect(rig.changes).toEqual([])
  })

  test('counts what `when` names, and nothing else', () => {
    expect(new Rig({ when: ['5xx'] }).answered(500, 40)).toBe(20)
    expect(new Rig({ when: [500] }).answered(500, 40)).toBe(20)
    expect(new Rig({ when: [500] }).answered(503, 40)).toBe(40)
  })

  test('counts connections that fail', () => {
    const rig = new Rig()
    expect(rig.each(40, () => rig.kit.latest.fail({ reason: 'upstream_reset' }))).toBe(20)
  })

  test('counts answers that break behind a good head', () => {
    const rig = new Rig()
    const reached = rig.each(40, () => {
      rig.kit.latest.events.onHead(200, ['content-length', '9'])
      rig.kit.latest.fail({ reason: 'response_incomplete', responseStarted: true })
    })
    expect(reached).toBe(20)
  })

  test('does not count clients that leave', () => {
    const rig = new Rig()
    for (let i = 0; i < 100; i++) {
      const client = new MemoryDownstream({
        method: 'GET',
        target: '/',
        host: 'a',
        headers: [],
        peer: PEER,
        contentLength: 0,
      })
      rig.kit.engine.handle(client)
      rig.kit.latest.connect()
      client.leave()
    }
    expect(rig.kit.finished.map((ex) => ex.failure?.reason)).toEqual(new Array(100).fill('client_gone'))
    expect(rig.answered(503, 40)).toBe(20)
  })

  test.each([
    ['malformed', 'bad_request'],
    ['too_slow', 'request_timeout'],
    ['closed', 'client_gone'],
  ] as const)('does not count uploads that the client broke off: %s', async (why, reason) => {
    const rig = new Rig()
    for (let i = 0; i < 100; i++) {
      const client = new MemoryDownstream({
        method: 'POST',
        target: '/',
        host: 'a',
        headers: [],
        peer: PEER,
        contentLength: -1,
      })
      rig.kit.engine.handle(client)
      rig.kit.latest.connect()
      client.leave(why)
      await Promise.resolve()
    }
    expect(rig.kit.finished.map((ex) => ex.failure?.reason)).toEqual(new Array(100).fill(reason))
    expect(rig.answered(503, 40)).toBe(20)
  })

  test('sends requests on to the failover upstream at once, at no cost', () => {
    const rig = new Rig({ minRequests: 5 }, { upstreams: { a: 1, b: 1 } })
    rig.answered(503, 5)
    expect(rig.changes).toEqual(['r a open'])
    rig.send()
    rig.kit.latest.connect()
    rig.kit.latest.answer(200)
    expect(rig.kit.finished.at(-1)).toMatchObject({ attempts: 1, attempt: { upstream: 'b' } })
    rig.answered(503, 5)
    expect(rig.changes).toEqual(['r a open', 'r b open'])
    expect(rig.send().reply?.status).toBe(503)
  })

  test('recovers by probes, then by a growing share', () => {
    const rig = new Rig()
    rig.answered(503, 20)
    rig.kit.clock.advance(6_000)
    expect(rig.answered(200, 5)).toBe(5)
    expect(rig.changes).toEqual(['r a open', 'r a half_open', 'r a ramping'])
    const first = rig.answered(200, 200)
    expect(first).toBeLessThan(60)
    rig.kit.clock.advance(8_000)
    expect(rig.answered(200, 200)).toBeGreaterThan(140)
    rig.kit.clock.advance(2_000)
    expect(rig.answered(200, 100)).toBe(100)
    expect(rig.changes.at(-1)).toBe('r a closed')
  })

  test('in shadow it changes its state and refuses nothing', () => {
    const rig = new Rig({ mode: 'shadow' })
    expect(rig.answered(503, 50)).toBe(50)
    expect(rig.changes).toEqual(['r a open'])
    rig.kit.clock.advance(6_000)
    rig.answered(200, 10)
    expect(rig.changes).toContain('r a ramping')
  })

  test('a last answer is relayed when the breaker lets no further attempt pass', () => {
    const rig = new Rig({ minRequests: 1, errorRate: '100%' }, { upstreams: { a: 2 }, retries: { maxExtra: 3 } })
    const sent = rig.send()
    rig.kit.latest.connect()
    rig.kit.latest.answer(503)
    rig.kit.clock.advance(300)
    expect(sent.reply?.status).toBe(503)
    expect(field(sent, 'proxy-status')).toBe(undefined)
    expect(rig.kit.finished[0]).toMatchObject({ attempts: 1, failure: undefined })
  })
})
