import { describe, expect, test } from 'vitest'
import type { RouteRecord } from '../../../../src/core/route-facts.ts'
import type { BulkheadCells } from '../../../../src/features/bulkhead/cells.ts'
import { bulkhead } from '../../../../src/features/bulkhead/feature.ts'
import type { BulkheadOptions } from '../../../../src/features/bulkhead/keys.ts'
import { limitOf } from '../../../../src/features/bulkhead/limit.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { EngineKit, type Sent } from '../../../kit/engine.ts'
import { CompiledUse } from '../../../kit/feature.ts'

/** A route with a bulkhead over a scripted transport in virtual time. */
class Rig {
  readonly kit: EngineKit
  readonly refusals: string[] = []
  private readonly made: CompiledUse<BulkheadCells>

  constructor(options: object) {
    const clock = new ManualClock()
    this.made = new CompiledUse(bulkhead, options, { clock })
    this.kit = new EngineKit({ clock, policies: [this.made.policy], connections: { max: 100 } })
    const record: RouteRecord = {
      finish: () => {},
      refused: (...refusal) => this.refusals.push(refusal.join(' ')),
    }
    Object.assign(this.kit.route, { record })
  }

  get permits(): number {
    return this.made.testCells.space.held(this.made.cells.permits.inFlight).sum()
  }

  get found(): number {
    const { limit } = this.made.cells
    const words = limit && this.made.testCells.space.int32(limit.state)
    return limitOf(this.made.use.options as BulkheadOptions, words, limit?.state.slot ?? 0)
  }

  send(count: number): Sent[] {
    return Array.from({ length: count }, () => this.kit.send())
  }
}

describe('a bulkhead', () => {
  test('lets as many through as it has permits, and gives each back at the end', () => {
    const rig = new Rig({ maxConcurrent: 3 })
    const sent = rig.send(5)
    expect(sent.map(({ reply }) => reply?.status)).toEqual([undefined, undefined, undefined, 503, 503])
    expect(rig.permits).toBe(3)
    rig.kit.latest.connect()
    rig.kit.latest.answer(200)
    expect(rig.permits).toBe(2)
    expect(rig.send(2).map(({ ended }) => ended)).toEqual([false, true])
  })

  test('says why, and when to come again', () => {
    const rig = new Rig({ maxConcurrent: 1 })
    const [, refused] = rig.send(2) as [Sent, Sent]
    expect(JSON.parse(String(refused.reply?.body))).toMatchObject({ reason: 'bulkhead_full', retryable: true })
    expect(refused.reply?.headers).toEqual(expect.arrayContaining(['retry-after', '1']))
    expect(rig.refusals).toEqual(['bulkhead bulkhead_full enforce'])
    expect(rig.kit.finished[0]?.failure).toMatchObject({ phase: 'limit', origin: 'sluice' })
  })

  test('a client that leaves gives its permit back', () => {
    const rig = new Rig({ maxConcurrent: 1 })
    const [first] = rig.send(1) as [Sent]
    first.downstream.reset()
    expect(rig.permits).toBe(0)
    expect(rig.send(1)[0]?.ended).toBe(false)
  })

  test('in shadow it counts what it would refuse', () => {
    const rig = new Rig({ maxConcurrent: 1, mode: 'shadow' })
    expect(rig.send(3).map(({ ended }) => ended)).toEqual([false, false, false])
    expect(rig.permits).toBe(3)
    expect(rig.refusals).toEqual(new Array(2).fill('bulkhead bulkhead_full shadow'))
  })
})

describe('an adaptive bulkhead', () => {
  /** Rounds of requests that fill it; each is answered so after `ms`. */
  function rounds(rig: Rig, count: number, ms: number, answer: (rig: Rig) => void): void {
    for (let i = 0; i < count; i++) {
      rig.send(rig.found)
      rig.kit.clock.advance(ms)
      while (rig.permits > 0) answer(rig)
    }
  }

  const answered = (status: number) => (rig: Rig) => {
    const { running } = rig.kit.transport
    running.connect()
    running.answer(status)
  }

  test('begins with its initial limit, grows while answers are quick, and falls when they are slow', () => {
    const rig = new Rig({ adaptive: { min: 2, max: 40, initial: 20 } })
    expect(rig.found).toBe(20)
    expect(rig.send(21).map(({ ended }) => ended)).toEqual([...new Array(20).fill(false), true])
    while (rig.permits > 0) answered(200)(rig)
    rounds(rig, 20, 210, answered(200))
    const grown = rig.found
    expect(grown).toBeGreaterThan(20)
    rounds(rig, 5, 900, answered(200))
    expect(rig.found).toBeLessThan(grown)
  })

  test('errors say nothing', () => {
    const rig = new Rig({ adaptive: { min: 2, max: 40, initial: 20 } })
    rounds(rig, 20, 210, answered(500))
    expect(rig.found).toBe(20)
  })

  test('never passes maxConcurrent', () => {
    const rig = new Rig({ maxConcurrent: 10, adaptive: { initial: 100 } })
    expect(rig.found).toBe(10)
    rounds(rig, 20, 210, answered(200))
    expect(rig.found).toBe(10)
  })
})
