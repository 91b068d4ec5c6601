import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/lib/random.ts'
import { type Call, QueueSim } from '../../../kit/queue-sim.ts'

/** Calls `a`, `b` … one millisecond apart, each in the worker given. */
function arrive(sim: QueueSim, names: string, workers: readonly number[]): Call[] {
  return [...names].map((name, i) => {
    sim.clock.advance(1)
    return sim.call(name, workers[i])
  })
}

/** Ends whoever runs, one after another, until nobody does. */
function drain(sim: QueueSim, calls: readonly Call[]): void {
  for (let running = find(calls); running !== undefined; running = find(calls)) {
    sim.end(running)
    sim.deliver()
  }
}

const find = (calls: readonly Call[]): Call | undefined => calls.find(({ outcome }) => outcome === 'running')

describe('a queue for permits', () => {
  test('goes by arrival over all workers, whoever gives the permit back', () => {
    const sim = new QueueSim(3, 1)
    const calls = arrive(sim, 'abcdefg', [0, 1, 2, 0, 0, 2, 1])
    drain(sim, calls)
    expect(sim.order.join('')).toBe('abcdefg')
    expect([sim.held, sim.lost, calls[3]?.ex.queuedMs]).toEqual([0, 0, 3])
  })

  test('a newcomer waits behind those who wait, even where a permit is free', () => {
    const sim = new QueueSim(2, 1)
    const [a] = arrive(sim, 'ab', [0, 1]) as [Call, Call]
    sim.end(a)
    sim.clock.advance(1)
    const c = sim.call('c', 0)
    expect([sim.order, c.outcome]).toEqual([['a'], 'waiting'])
    sim.deliver()
    expect([sim.order, c.outcome]).toEqual([['a', 'b'], 'waiting'])
  })

  test('never passes the limit; a lone request never waits', () => {
    const sim = new QueueSim(2, 2)
    const calls = arrive(sim, 'abcd', [0, 1, 0, 1])
    expect([sim.held, sim.waiting]).toEqual([2, ['c', 'd']])
    drain(sim, calls)
    expect(sim.call('e').outcome).toBe('running')
  })

  test('is bounded in length, over all workers', () => {
    const sim = new QueueSim(2, 1, { size: 3 })
    const calls = arrive(sim, 'abcdef', [0, 0, 1, 0, 1, 0])
    expect(calls.map(({ outcome }) => outcome)).toEqual(['running', 'waiting', 'waiting', 'waiting', 'full', 'full'])
  })

  test('is bounded in time', () => {
    const sim = new QueueSim(2, 1, { maxWait: 200 })
    const [a, b] = arrive(sim, 'ab', [0, 1]) as [Call, Call]
    sim.clock.advance(199)
    expect(b.outcome).toBe('waiting')
    sim.clock.advance(15)
    expect(b.outcome).toBe('queue_timeout')
    expect(b.ex.queuedMs).toBeGreaterThanOrEqual(200)
    sim.end(a)
    expect(sim.held).toBe(0)
  })

  test('whoever leaves is never given a permit; it goes to the next', () => {
    const sim = new QueueSim(3, 1)
    const [a, b, c] = arrive(sim, 'abc', [0, 1, 2]) as [Call, Call, Call]
    sim.leave(b)
    sim.end(a)
    sim.deliver()
    expect([sim.order, c.outcome]).toEqual([['a', 'c'], 'running'])
  })

  test('a wake-up that finds nobody is passed on', () => {
    const sim = new QueueSim(3, 1)
    const [a, b, c] = arrive(sim, 'abc', [0, 1, 2]) as [Call, Call, Call]
    sim.end(a)
    // The mail is on its way to the worker of b.
    sim.leave(b)
    sim.deliver()
    expect(c.outcome).toBe('running')
  })

  test('a worker that does not come holds the others up for two sweeps at most', () => {
    const sim = new QueueSim(2, 1)
    const [a, b, c] = arrive(sim, 'abc', [0, 1, 0]) as [Call, Call, Call]
    // Worker 1 is stuck: its queue neither hears mails nor sweeps.
    const stuck = sim.queues[1] as (typeof sim.queues)[1]
    Object.assign(stuck, { look: () => false, jump: () => {} })
    sim.end(a)
    sim.clock.advance(120)
    expect([b.outcome, c.outcome]).toEqual(['waiting', 'running'])
    expect(sim.lost).toBe(0)
  })

  test('a lost wake-up is repaired by the sweep, and counted', () => {
    const sim = new QueueSim(2, 1)
    const [, b] = arrive(sim, 'ab', [0, 1]) as [Call, Call]
    // As a bug would do it: given, and nobody looks.
    sim.permits[0]?.give()
    sim.clock.advance(50)
    expect([b.outcome, sim.lost]).toEqual(['running', 0])
    sim.clock.advance(50)
    expect(sim.lost).toBe(1)
  })

  test('a wake-up that is late is not lost', () => {
    const sim = new QueueSim(2, 1)
    const [a, b] = arrive(sim, 'ab', [0, 1]) as [Call, Call]
    sim.end(a)
    sim.clock.advance(50)
    expect(b.outcome).toBe('running')
    sim.clock.advance(50)
    expect(sim.lost).toBe(0)
  })

  test('turns round under overload: the newest first, and shorter waits', () => {
    const sim = new QueueSim(2, 1, { newestFirstAfter: 100, maxWait: 500 })
    const early = arrive(sim, 'abc', [0, 1, 0])
    sim.clock.advance(101)
    const late = arrive(sim, 'de', [1, 0]) as [Call, Call]
    sim.end(early[0] as Call)
    sim.deliver()
    expect(sim.order).toEqual(['a', 'e'])
    sim.clock.advance(115)
    expect([late[0].outcome, early[1]?.outcome]).toEqual(['queue_timeout', 'waiting'])
  })

  test('goes by arrival again once it was empty', () => {
    const sim = new QueueSim(2, 1, { newestFirstAfter: 100 })
    drain(sim, arrive(sim, 'abc', [0, 1, 0]))
    sim.clock.advance(1000)
    drain(sim, arrive(sim, 'def', [0, 1, 0]))
    expect(sim.order.join('')).toBe('abcdef')
  })

  test('a worker that ends leaves nothing behind', () => {
    const sim = new QueueSim(2, 1)
    const [a, b] = arrive(sim, 'ab', [0, 1]) as [Call, Call]
    expect(b.outcome).toBe('waiting')
    sim.clearWorker(1)
    const c = sim.call('c', 0)
    expect(c.outcome).toBe('waiting')
    sim.end(a)
    expect(c.outcome).toBe('running')
  })

  test('serves the most important first, over all workers', () => {
    const sim = new QueueSim(3, 1)
    const calls = [sim.call('first')]
    for (const [i, importance] of [3, 2, 0, 1, 0].entries()) {
      sim.clock.advance(1)
      calls.push(sim.call(`${'abcde'[i]}`, i % 3, importance))
    }
    drain(sim, calls)
    expect(sim.order).toEqual(['first', 'c', 'e', 'd', 'b', 'a'])
  })

  test.each([0, 1])('sheds the least important first where it is full; it waits in worker %i', (worker) => {
    const sim = new QueueSim(2, 1, { size: 3 })
    const first = sim.call('first')
    const [low, high, later] = [3, 1, 3].map((importance, i) => {
      sim.clock.advance(1)
      return sim.call(`w${i}`, worker, importance)
    }) as [Call, Call, Call]
    const normal = sim.call('normal', 0, 2)
    sim.deliver()
    expect([low, high, later, normal].map(({ outcome }) => outcome)).toEqual(['waiting', 'waiting', 'shed', 'waiting'])
    const critical = sim.call('critical', 1, 0)
    sim.deliver()
    expect([low, critical].map(({ outcome }) => outcome)).toEqual(['shed', 'waiting'])
    // Nobody less important is left for the next one.
    expect(sim.call('low', 0, 3).outcome).toBe('full')
    expect(sim.call('high', 0, 2).outcome).toBe('full')
    drain(sim, [first, high, normal, critical])
    expect(sim.order).toEqual(['first', 'critical', 'w1', 'normal'])
  })

  test('no more are shed than came', () => {
    const sim = new QueueSim(2, 1, { size: 3 })
    sim.call('first')
    const low = [0, 1, 2].map((i) => sim.call(`low${i}`, 1, 3))
    // All of them before the other worker hears of any.
    const high = [0, 1, 2, 3].map((i) => sim.call(`high${i}`, 0, 1))
    expect(high.map(({ outcome }) => outcome)).toEqual(['waiting', 'waiting', 'waiting', 'full'])
    sim.deliver()
    expect(low.map(({ outcome }) => outcome)).toEqual(['shed', 'shed', 'shed'])
    expect(sim.waiting.length).toBe(3)
  })

  test('clients take turns, and one that fills the queue makes room for another', () => {
    const sim = new QueueSim(1, 1, { size: 4 })
    const calls = [sim.call('first')]
    for (const name of ['a1', 'a2', 'a3', 'a4']) calls.push(sim.call(name, 0, 2, 'a'))
    calls.push(sim.call('b1', 0, 2, 'b'), sim.call('a5', 0, 2, 'a'), sim.call('b2', 0, 2, 'b'))
    expect(calls.map(({ outcome }) => outcome)).toEqual([
      ...['running', 'waiting', 'waiting', 'shed', 'shed'],
      ...['waiting', 'full', 'waiting'],
    ])
    expect(sim.call('b3', 0, 2, 'b').outcome).toBe('full')
    drain(sim, calls)
    expect(sim.order).toEqual(['first', 'a1', 'b1', 'a2', 'b2'])
  })

  test.each([1, 2, 3, 4])('keeps every promise in a storm (%i)', (seed) => {
    const random = seededRandom(seed)
    const sim = new QueueSim(3, 4, { size: 8, maxWait: 12, newestFirstAfter: seed % 2 === 0 ? 8 : undefined })
    const calls: Call[] = []
    const any = (outcome: string): Call | undefined => {
      const those = calls.filter((call) => call.outcome === outcome)
      return those[Math.floor(random.float() * those.length)]
    }
    for (let step = 0; step < 4000; step++) {
      const choice = random.float()
      const running = any('running')
      const waiting = any('waiting')
      const [worker, importance, key] = [3, 4, 3].map((n) => Math.floor(random.float() * n)) as [number, number, number]
      if (choice < 0.4) calls.push(sim.call(`c${step}`, worker, importance, `k${key}`))
      else if (choice < 0.75 && running !== undefined) sim.end(running)
      else if (choice < 0.8 && waiting !== undefined) sim.leave(waiting)
      else if (choice < 0.95) sim.mails[Math.floor(random.float() * 3)]?.deliver()
      else sim.clock.advance(10)
      expect(sim.held).toBeLessThanOrEqual(4)
      expect(sim.held).toBe(calls.filter(({ outcome }) => outcome === 'running').length)
      // More only until another worker has shed as many.
      expect(sim.waiting.length).toBeLessThanOrEqual(16)
      if (sim.mails.every(({ unread }) => !unread)) expect(sim.waiting.length).toBeLessThanOrEqual(8)
    }
    sim.deliver()
    // Without any sweep nobody waits for a permit that is free.
    expect(sim.waiting.length === 0 || sim.held === 4).toBe(true)
    expect(sim.lost).toBe(0)
    drain(sim, calls)
    expect([sim.held, sim.waiting]).toEqual([0, []])
    expect(new Set(calls.map(({ outcome }) => outcome))).toEqual(
      new Set(['ended', 'left', 'full', 'shed', 'queue_timeout']),
    )
  })
})
