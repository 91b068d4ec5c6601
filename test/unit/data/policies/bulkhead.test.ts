import { describe, expect, test } from 'vitest'
import type { RouteRecord } from '../../../../src/core/exchange.ts'
import type { Policy } from '../../../../src/core/policy.ts'
import { type BulkheadOptions, bulkhead } from '../../../../src/data/policies/bulkhead.ts'
import { nodeOf } from '../../../../src/schema/node.ts'
import { At } from '../../../../src/schema/schema.ts'
import { TestCells } from '../../../kit/cells.ts'
import { EngineKit, type Sent } from '../../../kit/engine.ts'
import { policyContext } from '../../../kit/policy.ts'

/** A route with a bulkhead over a scripted transport in virtual time. */
class Rig {
  readonly kit: EngineKit
  readonly refusals: string[] = []
  private readonly cells = new TestCells()
  private readonly inFlight = this.cells.held()

  constructor(options: object) {
    const policy = bulkhead.compile(bulkhead.schema.read(nodeOf(options), new At([])) as BulkheadOptions, {
      ...policyContext(),
      cells: { inFlight: this.cells.held(), breakers: {}, bulkhead: { inFlight: this.inFlight, queue: undefined } },
      space: this.cells.space,
    })
    this.kit = new EngineKit({ policies: [policy as Policy], connections: { max: 100 } })
    const record: RouteRecord = {
      finish: () => {},
      retried: () => {},
      hedged: () => {},
      queued: () => {},
      refused: (...refusal) => this.refusals.push(refusal.join(' ')),
    }
    Object.assign(this.kit.route, { record })
  }

  get permits(): number {
    return this.cells.space.held(this.inFlight).sum()
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
