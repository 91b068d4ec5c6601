import { describe, expect, test } from 'vitest'
import { EngineKit } from '../../../kit/engine.ts'

describe('a route none of whose features has a share of the plan', () => {
  const bare = (upstreams: Readonly<Record<string, number>> = { a: 2 }, weights = {}): EngineKit =>
    new EngineKit({ features: [], upstreams, ...(Object.keys(weights).length > 0 && { weights }) })

  test('makes one attempt, whatever becomes of it', () => {
    const kit = bare()
    const sent = kit.send()
    kit.latest.fail({ reason: 'connect_refused' })
    kit.clock.advance(10_000)
    expect(sent.reply?.status).toBe(502)
    expect(kit.attempts).toHaveLength(1)
    expect(kit.finished[0]?.notes).toBeUndefined()
  })

  test('relays what others would retry', () => {
    const kit = bare()
    const sent = kit.send()
    kit.latest.connect()
    kit.latest.answer(503)
    expect(sent.reply?.status).toBe(503)
  })

  test('has no bound on time, and no second attempt beside the first', () => {
    const kit = bare()
    kit.send()
    kit.latest.connect()
    kit.clock.advance(3_600_000)
    expect(kit.finished).toEqual([])
    expect(kit.attempts).toEqual([])
    kit.latest.answer(200)
    expect(kit.finished[0]?.response?.status).toBe(200)
    kit.clock.advance(1_100)
    expect(kit.clock.timers).toBe(0)
  })

  test('asks the first upstream, and then those that take over', () => {
    const kit = bare({ a: 1, b: 1 })
    kit.send()
    expect(kit.latest.target.address).toBeDefined()
    kit.latest.connect()
    kit.latest.answer(200)
    expect(kit.finished[0]?.attempt?.upstream).toBe('a')
    kit.setState(2, 'a')
    kit.send()
    kit.latest.connect()
    kit.latest.answer(200)
    expect(kit.finished[1]?.attempt?.upstream).toBe('b')
  })

  test('keeps the shares of its upstreams, whatever comes of it', () => {
    const kit = bare({ a: 1, b: 1 }, { a: 1, b: 1 })
    kit.setState(2, 'a')
    const reasons = Array.from({ length: 40 }, () => {
      const sent = kit.send()
      if (!sent.ended) {
        kit.running.connect()
        kit.running.answer(200)
      }
      return kit.finished.at(-1)?.failure?.reason ?? 'ok'
    })
    expect(new Set(reasons)).toEqual(new Set(['ok', 'no_endpoint']))
  })
})
