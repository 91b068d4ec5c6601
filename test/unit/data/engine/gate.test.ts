import { describe, expect, test } from 'vitest'
import type { Downstream } from '../../../../src/core/downstream.ts'
import type { Policy } from '../../../../src/core/policy.ts'
import { EndpointStateBit } from '../../../../src/core/protocol.ts'
import { HeldChunks } from '../../../../src/data/engine/held-chunks.ts'
import type { Upstream } from '../../../../src/data/upstreams/upstream.ts'
import { bulkhead } from '../../../../src/features/bulkhead/feature.ts'
import { TestCells } from '../../../kit/cells.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { EngineKit, type EngineSetUp } from '../../../kit/engine.ts'
import { CompiledUse } from '../../../kit/feature.ts'
import { ScriptedDownstream } from '../../../kit/scripted-downstream.ts'

const KIB = 1024
const MORE_THAN_KEPT = 64 * KIB + 1

class Rig {
  readonly kit: EngineKit

  constructor(setUp: EngineSetUp = {}) {
    this.kit = new EngineKit({ buffering: {}, retries: { maxExtra: 0 }, ...setUp })
  }

  post(length: number, headers: readonly string[] = [], facts: Partial<Downstream> = {}): ScriptedDownstream {
    const client = Object.assign(new ScriptedDownstream('POST', '/', headers, length), facts)
    this.kit.engine.handle(client)
    return client
  }

  get dialled(): number {
    return this.kit.transport.connections.length
  }

  /** All that was held is given back. */
  ended(): void {
    expect(this.kit.bugs).toEqual([])
    expect(this.kit.engine.running).toBe(0)
    expect(this.kit.engine.replay.held).toBe(0)
    expect(this.kit.heldByAttempts).toBe(0)
  }
}

describe('an upload is dialled', () => {
  test('of up to 64 KiB: when it is whole, however slowly it comes; then the endpoint has it at once', () => {
    const rig = new Rig()
    const client = rig.post(6)
    expect(client.body).toEqual(['start'])
    client.sends('abc')
    rig.kit.clock.advance(10_000)
    client.sends('def')
    expect(rig.dialled).toBe(0)
    client.ends()
    expect(rig.dialled).toBe(1)
    rig.kit.running.connect()
    expect([rig.kit.running.sent, rig.kit.running.ended]).toEqual(['abcdef', true])
    rig.kit.running.answer(200)
    expect(client.status).toBe(200)
    expect(rig.kit.finished[0]?.bodyMs).toBe(10_000)
    rig.ended()
  })

  test.each([-1, MORE_THAN_KEPT])('of length %i: at its first 64 KiB', (length) => {
    const rig = new Rig()
    const client = rig.post(length)
    client.sends('x'.repeat(64 * KIB - 1))
    expect(rig.dialled).toBe(0)
    client.sends('x')
    expect(rig.dialled).toBe(1)
    expect(client.body).toEqual(['start', 'pause'])
    rig.kit.running.connect()
    client.sends('y')
    client.ends()
    expect(rig.kit.running.sent).toHaveLength(MORE_THAN_KEPT)
    rig.kit.running.answer(200)
    rig.ended()
  })

  test.each([-1, MORE_THAN_KEPT])('of length %i: all of it at another endpoint, if the first one refuses', (length) => {
    const rig = new Rig({ retries: { maxExtra: 1 }, upstreams: { a: 2 } })
    const client = rig.post(length)
    const text = '0123456789abcdef'.repeat(4 * KIB)
    client.sends(text)
    const first = rig.kit.running
    first.fail({ reason: 'connect_refused' })
    rig.kit.clock.advance(300)
    expect(rig.dialled).toBe(2)
    rig.kit.running.connect()
    client.sends('!')
    client.ends()
    expect([first.sent, rig.kit.running.sent === `${text}!`, rig.kit.running.ended]).toEqual(['', true, true])
    rig.kit.running.answer(200)
    expect(client.status).toBe(200)
    rig.ended()
  })

  test('of unknown length: at its end', () => {
    const rig = new Rig()
    const client = rig.post(-1)
    client.sends('abc')
    expect(rig.dialled).toBe(0)
    client.ends()
    expect(rig.dialled).toBe(1)
    client.leaves()
    rig.ended()
  })

  test.each([-1, MORE_THAN_KEPT])('of length %i: after 100 ms without a byte', (length) => {
    const rig = new Rig()
    const client = rig.post(length)
    for (let i = 0; i < 10; i++) {
      rig.kit.clock.advance(95)
      client.sends('x')
    }
    expect(rig.dialled).toBe(0)
    rig.kit.clock.advance(111)
    expect(rig.dialled).toBe(1)
    rig.kit.running.connect()
    expect(rig.kit.running.sent).toBe('x'.repeat(10))
    client.sends('y')
    expect(rig.kit.running.sent).toBe(`${'x'.repeat(10)}y`)
    client.leaves()
    rig.ended()
  })

  test('with its head: of a route without buffering', () => {
    const rig = new Rig({ buffering: { request: 'off' } })
    const client = rig.post(4)
    expect([rig.dialled, client.body]).toEqual([1, []])
    client.leaves()
    rig.ended()
  })

  test.each([
    ['HTTP/2', 'application/grpc', true],
    ['HTTP/2', 'Application/gRPC+proto', true],
    ['HTTP/2', 'application/grpc;charset=x', true],
    ['HTTP/2', 'application/grpc-web', false],
    ['HTTP/2', 'application/grpc-web+proto', false],
    ['HTTP/2', 'application/json', false],
    // There it is the client's word alone.
    ['HTTP/1.1', 'application/grpc', false],
  ] as const)('over %s, of type %s, with its head: %s', (protocol, type, atOnce) => {
    const rig = new Rig()
    const client = rig.post(4, ['content-type', type], { protocol })
    expect([rig.dialled, client.body]).toEqual(atOnce ? [1, []] : [0, ['start']])
    client.leaves()
    rig.ended()
  })

  test('an offer to upgrade does not open it: with a body none is taken up', () => {
    const rig = new Rig()
    const client = rig.post(4, [], { upgrade: 'websocket' })
    expect(rig.dialled).toBe(0)
    client.leaves()
    rig.ended()
  })

  test('at once where the worker keeps no more', () => {
    const rig = new Rig()
    rig.kit.engine.replay.held = 64 * KIB * KIB
    const client = rig.post(4)
    client.sends('x')
    expect(rig.dialled).toBe(1)
    client.leaves()
    rig.kit.engine.replay.held -= 64 * KIB * KIB
    rig.ended()
  })
})

describe('before the gate', () => {
  test('a request that no endpoint can have is refused, and its body is not asked for', () => {
    const rig = new Rig({ upstreams: { a: 1 } })
    rig.kit.setState(EndpointStateBit.draining)
    const client = rig.post(4)
    expect([client.status, client.body]).toEqual([503, ['discard']])
    rig.ended()
  })

  test('the same where a policy lets no attempt pass; what another upstream can have waits', () => {
    const shut = {
      name: 'shut',
      usable: (_: unknown, upstream: string) => upstream !== 'a',
      attempt: (_: unknown, at: { upstream: string }) =>
        at.upstream === 'a' ? ({ reason: 'breaker_open' } as const) : undefined,
    }
    const rig = new Rig({ policies: [shut] })
    expect(rig.post(4).body).toEqual(['discard'])
    const other = new Rig({ policies: [shut], upstreams: { a: 1, b: 1 } })
    const client = other.post(1)
    expect(client.body).toEqual(['start'])
    client.sends('x')
    client.ends()
    expect(other.kit.running.target).toBeDefined()
    client.leaves()
    other.ended()
    rig.ended()
  })

  test('an endpoint that is out of service, and is the only one, gets the request behind it', () => {
    const rig = new Rig()
    rig.kit.setState(EndpointStateBit.unhealthy)
    const client = rig.post(1)
    expect([rig.dialled, client.body]).toEqual([0, ['start']])
    client.sends('x')
    client.ends()
    expect(rig.dialled).toBe(1)
    client.leaves()
    rig.ended()
  })

  test('a permit of the route is not taken', () => {
    const clock = new ManualClock()
    const testCells = new TestCells()
    const use = new CompiledUse(bulkhead, { maxConcurrent: 1 }, { clock, testCells })
    const rig = new Rig({ clock, policies: [use.policy] })
    const slow = rig.post(4)
    const quick = new ScriptedDownstream()
    rig.kit.engine.handle(quick)
    rig.kit.running.answer(200)
    expect(quick.status).toBe(200)
    for (const sent of ['ab', 'cd']) slow.sends(sent)
    slow.ends()
    // It has the permit now.
    const late = new ScriptedDownstream()
    rig.kit.engine.handle(late)
    expect(late.status).toBe(503)
    rig.kit.running.answer(200)
    expect(slow.status).toBe(200)
    rig.ended()
  })

  test.each(['before', 'behind'])('a policy %s it reads all of the body, once', (where) => {
    const told: string[] = []
    const reads = {
      name: 'reads',
      admit: () => undefined,
      behindGate: where === 'behind',
      requestBody: () => ({
        changesLength: true,
        push: (chunk: Buffer) => {
          told.push(String(chunk))
          return Buffer.from(String(chunk).toUpperCase())
        },
        end: () => Buffer.from('!'),
      }),
    }
    const rig = new Rig({ policies: [reads] })
    const client = rig.post(-1)
    client.sends('ab')
    client.ends()
    rig.kit.running.connect()
    expect([told.join(), rig.kit.running.sent, rig.kit.running.ended]).toEqual(['ab', 'AB!', true])
    rig.kit.running.answer(200)
    rig.ended()
  })
})

describe('a hook that throws', () => {
  /** Whose `usable` throws at its call of that number. */
  function throwsAt(nth: number, rest: Partial<Policy> = {}): Rig {
    let calls = 0
    const usable = (): boolean => {
      if (++calls === nth) throw new Error('a bug')
      return true
    }
    return new Rig({
      policies: [{ name: 'picky', usable, ...rest }],
      upstreams: { a: 1, b: 1 },
      weights: { a: 1, b: 1 },
    })
  }

  /** Answered with 500, and told once. */
  function failed(rig: Rig, client: ScriptedDownstream): void {
    expect([client.status, rig.dialled, rig.kit.bugs]).toEqual([500, 0, [new Error('a bug')]])
    expect(rig.kit.finished.map(({ failure }) => failure?.reason)).toEqual(['internal'])
    rig.kit.bugs.length = 0
    rig.ended()
  }

  test.each(['its last byte', 'a silence'])('behind %s ends its request alone', (what) => {
    const rig = throwsAt(2)
    const client = rig.post(what === 'a silence' ? -1 : 4)
    client.sends('abc')
    if (what === 'a silence') rig.kit.clock.advance(111)
    else {
      client.sends('d')
      client.ends()
    }
    failed(rig, client)
  })

  test('at the gate itself, behind a policy that waited, does so, too', async () => {
    const rig = throwsAt(1, { admit: () => Promise.resolve(undefined) })
    const client = rig.post(4)
    await new Promise((resolve) => setImmediate(resolve))
    failed(rig, client)
  })

  test.each([0, 4])('with a body of %i bytes, behind a policy that waited, does so, too', async (length) => {
    const rig = throwsAt(length === 0 ? 1 : 2, { admit: () => Promise.resolve(undefined) })
    const client = rig.post(length)
    await new Promise((resolve) => setImmediate(resolve))
    if (length > 0) {
      client.sends('abcd')
      client.ends()
    }
    failed(rig, client)
  })

  test.each(['a further', 'a second'])('for the endpoint of %s attempt does so, too', (which) => {
    const hedge = which === 'a second' ? { delay: 50 } : undefined
    const rig = new Rig({ hedge, retries: { maxExtra: 1 }, upstreams: { a: 2 } })
    const [upstream] = rig.kit.upstreams as [Upstream]
    const pick = upstream.pick.bind(upstream)
    let calls = 0
    upstream.pick = (...given) => {
      if (++calls === 2) throw new Error('a bug')
      return pick(...given)
    }
    const client = new ScriptedDownstream()
    rig.kit.engine.handle(client)
    if (which === 'a second') rig.kit.clock.advance(70)
    else rig.kit.running.fail({ reason: 'connect_refused' })
    expect(calls).toBe(2)
    rig.kit.transport.connections.length = 0
    failed(rig, client)
  })

  test('behind a second gate, that of a policy, does so, too', () => {
    const rig = throwsAt(2, { admit: () => undefined, behindGate: true })
    const client = rig.post(4)
    client.sends('abcd')
    client.ends()
    failed(rig, client)
  })
})

describe('at the gate', () => {
  test('a client that leaves leaves nothing behind', () => {
    const rig = new Rig()
    const client = rig.post(-1)
    client.sends('abc')
    client.leaves()
    rig.kit.clock.advance(1_000)
    expect([rig.dialled, rig.kit.finished[0]?.failure]).toMatchObject([0, { reason: 'client_gone', phase: 'request' }])
    rig.ended()
  })

  test('a client that sends too little is told so', () => {
    const rig = new Rig({ timeouts: { minRate: { bytes: 1024, window: 1_000 } } })
    const client = rig.post(4_000)
    client.sends('abc')
    rig.kit.clock.advance(1_010)
    expect([rig.dialled, client.status]).toEqual([0, 408])
    expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'request_timeout', phase: 'send', origin: 'client' })
    rig.ended()
  })

  test('what came too late after a failure begins nothing', () => {
    let answer: ((reply: undefined) => void) | undefined
    const recovers = { name: 'recovers', recover: () => new Promise<undefined>((resolve) => (answer = resolve)) }
    const rig = new Rig({ policies: [recovers], timeouts: { minRate: { bytes: 1024, window: 1_000 } } })
    const client = rig.post(4_000)
    rig.kit.clock.advance(1_010)
    expect(answer).toBeDefined()
    client.sends('x'.repeat(4_000))
    client.ends()
    expect([rig.dialled, client.status]).toEqual([0, undefined])
    client.leaves()
    rig.ended()
  })

  test('the deadline stands still', () => {
    const rig = new Rig({ timeouts: { request: 1_000 } })
    const client = rig.post(4)
    rig.kit.clock.advance(5_000)
    client.sends('abcd')
    client.ends()
    expect(rig.dialled).toBe(1)
    rig.kit.running.connect()
    rig.kit.clock.advance(900)
    expect(client.status).toBeUndefined()
    rig.kit.clock.advance(111)
    expect(client.status).toBe(504)
    rig.ended()
  })

  test.each([1, 10, 2_000, 40_000])(
    'a part of %i bytes keeps no read buffer alive that it does not fill half of',
    (length) => {
      const rig = new Rig()
      const held: Buffer[] = []
      const body = new HeldChunks(rig.kit.engine.replay)
      body.hold(
        Buffer.allocUnsafeSlow(64 * KIB)
          .fill('x')
          .subarray(100, 100 + length),
      )
      for (const part of body.letGo()) held.push(part)
      expect(held.map((part) => [String(part), part.buffer.byteLength])).toEqual([
        ['x'.repeat(length), length === 40_000 ? 64 * KIB : length],
      ])
      rig.ended()
    },
  )

  test('a body of single bytes takes no more than its size', () => {
    const rig = new Rig()
    const client = rig.post(-1)
    for (let i = 0; i < 10_000; i++) client.sends(String(i % 10))
    expect(rig.kit.engine.replay.held).toBe(10_000)
    client.ends()
    rig.kit.running.connect()
    expect(rig.kit.running.sent).toBe('0123456789'.repeat(1_000))
    rig.kit.running.answer(200)
    rig.ended()
  })
})
