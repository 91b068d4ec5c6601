import { describe, expect, test } from 'vitest'
import type { Policy } from '../../../../src/core/policy.ts'
import { EndpointStateBit } from '../../../../src/core/protocol.ts'
import { EngineKit } from '../../../kit/engine.ts'

const status = (kit: EngineKit): (number | undefined)[] => kit.finished.map((ex) => ex.response?.status)

describe('the loop of attempts', () => {
  test('relays an answer after one attempt and holds nothing afterwards', () => {
    const kit = new EngineKit()
    const sent = kit.send()
    expect(kit.inFlight).toBe(1)
    kit.latest.connect()
    kit.latest.answer(200, ['content-length', '2'], 'ok')
    expect(sent.reply).toMatchObject({ status: 200, body: Buffer.from('ok') })
    expect(kit.attempts.map((at) => at.head?.outcome)).toEqual(['ok'])
    expect(kit.inFlight).toBe(0)
    kit.clock.advance(1_100)
    expect(kit.clock.timers).toBe(0)
  })

  test('what hooks took before it is not the time of an attempt', () => {
    const busy: Policy = { name: 'busy', admit: () => void kit.clock.advance(80) }
    const late: Policy = { name: 'late', attempt: () => void kit.clock.advance(80) }
    const kit: EngineKit = new EngineKit({ policies: [busy, late], timeouts: { attempt: 100 } })
    const sent = kit.send()
    kit.clock.advance(50)
    kit.latest.connect()
    kit.latest.answer(200)
    expect(sent.reply?.status).toBe(200)
    const [at] = kit.attempts
    expect(at && at.headAt - at.startedAt).toBe(50)
  })

  test('a refused connection is followed by another endpoint, for any method', () => {
    const kit = new EngineKit({ upstreams: { a: 2 } })
    const sent = kit.send('POST', '/', [], 'body')
    const first = kit.latest
    first.fail({ reason: 'connect_refused' })
    kit.clock.advance(300)
    expect(kit.latest).not.toBe(first)
    kit.latest.connect()
    expect(kit.latest.sent).toBe('body')
    kit.latest.answer(201)
    expect(sent.reply?.status).toBe(201)
    expect(kit.finished[0]?.attempts).toBe(2)
    expect(new Set(kit.attempts.map((at) => at.endpoint)).size).toBe(2)
  })

  test('an idempotent request that broke before its answer is retried, an unsafe one is not', () => {
    for (const [method, expected] of [
      ['GET', 200],
      ['POST', 502],
    ] as const) {
      const kit = new EngineKit({ upstreams: { a: 2 } })
      const sent = kit.send(method)
      kit.latest.connect()
      kit.latest.fail({ reason: 'upstream_reset' })
      kit.clock.advance(300)
      if (expected === 200) {
        kit.latest.connect()
        kit.latest.answer(200)
      }
      expect(sent.reply?.status).toBe(expected)
    }
  })

  test('attempts stop at maxExtra, and the last failure is the answer', () => {
    const kit = new EngineKit({ upstreams: { a: 5 }, retries: { maxExtra: 2 } })
    const sent = kit.send()
    for (let i = 0; i < 3; i++) {
      kit.latest.fail({ reason: 'connect_refused' })
      kit.clock.advance(300)
    }
    expect(kit.transport.connections.length).toBe(3)
    expect(sent.reply?.status).toBe(502)
    expect(kit.finished[0]?.failure).toMatchObject({ reason: 'connect_refused', phase: 'connect', origin: 'upstream' })
  })

  test('a retryable status is discarded when a further attempt starts, else relayed', () => {
    const kit = new EngineKit({ upstreams: { a: 2 } })
    const sent = kit.send()
    for (let i = 0; i < 2; i++) {
      kit.latest.connect()
      kit.latest.answer(503, ['x-attempt', String(i)], 'busy')
      kit.clock.advance(300)
    }
    expect(sent.reply).toMatchObject({ status: 503, body: Buffer.from('busy') })
    expect(sent.reply?.headers).toContain('1')
    expect(kit.attempts.map((at) => at.head?.outcome)).toEqual([503, 503])
  })

  test('a discarded answer that goes on is cut off after 64 KiB or 100 ms', () => {
    for (const flood of [true, false]) {
      const kit = new EngineKit({ upstreams: { a: 2 } })
      kit.send()
      const first = kit.latest
      first.connect()
      first.events.onHead(503, [])
      if (flood) first.events.onData(Buffer.alloc(65_537))
      else kit.clock.advance(115)
      expect(first.aborted).toBe(true)
    }
  })

  test('other statuses are the upstream’s answer', () => {
    const kit = new EngineKit({ upstreams: { a: 2 } })
    const sent = kit.send()
    kit.latest.connect()
    kit.latest.answer(500)
    expect(sent.reply?.status).toBe(500)
    expect(kit.transport.connections.length).toBe(1)
  })

  test('the deadline ends the attempt and names where it was', () => {
    const kit = new EngineKit({ timeouts: { request: 1000 } })
    const sent = kit.send()
    kit.latest.connect()
    kit.clock.advance(1020)
    expect(sent.reply?.status).toBe(504)
    expect(kit.latest.aborted).toBe(true)
    expect(kit.finished[0]?.failure).toMatchObject({ reason: 'deadline_exceeded', phase: 'headers' })
    expect(kit.attempts[0]?.head).toMatchObject({ outcome: 'timeout', ignored: false })
    expect(kit.inFlight).toBe(0)
  })

  test('an attempt timeout is retried only where it is listed; the last attempt has all the time left', () => {
    const kit = new EngineKit({
      upstreams: { a: 2 },
      timeouts: { request: 10_000, attempt: 500 },
      retries: { when: ['timeout'] },
    })
    const sent = kit.send()
    const first = kit.latest
    first.connect()
    kit.clock.advance(800)
    expect(first.aborted).toBe(true)
    const second = kit.latest
    second.connect()
    kit.clock.advance(5000)
    expect(second.aborted).toBe(false)
    second.answer(200)
    expect(sent.reply?.status).toBe(200)

    const unlisted = new EngineKit({ upstreams: { a: 2 }, timeouts: { attempt: 500 } })
    const refused = unlisted.send()
    unlisted.latest.connect()
    unlisted.clock.advance(600)
    expect(refused.reply?.status).toBe(504)
    expect(unlisted.finished[0]?.failure?.reason).toBe('attempt_timeout')
  })

  test('nothing is retried that cannot start before the deadline', () => {
    const kit = new EngineKit({
      upstreams: { a: 2 },
      timeouts: { request: 1000 },
      retries: { backoff: { base: 100_000, cap: 100_000 } },
    })
    const sent = kit.send()
    kit.latest.fail({ reason: 'connect_refused' })
    expect(sent.reply?.status).toBe(502)
  })

  test('the last attempt goes to the failover upstream; with attempts left the own endpoints come first', () => {
    const kit = new EngineKit({ upstreams: { a: 3, b: 1 }, retries: { maxExtra: 2 } })
    const sent = kit.send()
    for (let i = 0; i < 2; i++) {
      kit.latest.fail({ reason: 'connect_refused' })
      kit.clock.advance(300)
    }
    kit.latest.connect()
    kit.latest.answer(200)
    expect(sent.reply?.status).toBe(200)
    expect(kit.attempts.map((at) => at.upstream)).toEqual(['a', 'a', 'b'])
  })

  test('an upstream without endpoints costs no attempt: its failover takes the first', () => {
    const kit = new EngineKit({ upstreams: { a: 0, b: 1 } })
    const sent = kit.send()
    kit.latest.connect()
    kit.latest.answer(200)
    expect(sent.reply?.status).toBe(200)
    expect(kit.finished[0]?.attempts).toBe(1)
  })

  test('no endpoint anywhere is 503', () => {
    const kit = new EngineKit({ upstreams: { a: 0 } })
    expect(kit.send().reply?.status).toBe(503)
    expect(kit.finished[0]?.failure?.reason).toBe('no_endpoint')
  })

  test('a full pool is no attempt; when all are full the answer says so', () => {
    const kit = new EngineKit({ upstreams: { a: 2 }, connections: { max: 1, maxWaiting: 0 } })
    const sent = [kit.send(), kit.send(), kit.send()]
    expect(sent[2]?.reply?.status).toBe(503)
    expect(kit.finished[0]).toMatchObject({
      attempts: 0,
      failure: { reason: 'pool_full', phase: 'queue', origin: 'sluice' },
    })
    expect(kit.attempts).toEqual([])
    for (const connection of kit.transport.connections) {
      connection.connect()
      connection.answer(200)
    }
    expect(status(kit)).toEqual([503, 200, 200])
  })

  test('unhealthy endpoints get the first attempt only when nothing else is left, draining ones never', () => {
    const kit = new EngineKit({ upstreams: { a: 1 } })
    kit.setState(EndpointStateBit.unhealthy)
    const sent = kit.send()
    kit.latest.connect()
    kit.latest.answer(200)
    expect(sent.reply?.status).toBe(200)
    kit.setState(EndpointStateBit.draining)
    expect(kit.send().reply?.status).toBe(503)
  })

  test('a retry of a trusted gateway in front is not retried again', () => {
    const peer = { address: '203.0.113.9', port: 1, localPort: 80, secure: false, listener: 'web' }
    const kit = new EngineKit({ upstreams: { a: 2 } })
    const sent = kit.send('GET', '/', ['sluice-attempt', '2'], undefined, peer)
    kit.latest.fail({ reason: 'connect_refused' })
    expect(sent.reply?.status).toBe(502)
  })

  test('a trusted peer’s deadline shortens ours, and the time left goes up', () => {
    const peer = { address: '203.0.113.9', port: 1, localPort: 80, secure: false, listener: 'web' }
    const kit = new EngineKit()
    const sent = kit.send('GET', '/', ['sluice-timeout-ms', '300'], undefined, peer)
    const headers = kit.latest.request?.headers ?? []
    expect(Number(headers[headers.indexOf('sluice-timeout-ms') + 1])).toBeLessThanOrEqual(300)
    kit.clock.advance(320)
    expect(sent.reply?.status).toBe(504)
  })

  test('a broken answer after its head is broken for the client too', () => {
    const kit = new EngineKit()
    const sent = kit.send()
    kit.latest.connect()
    kit.latest.events.onHead(200, ['content-length', '10'])
    kit.latest.events.onData(Buffer.from('half'))
    kit.latest.fail({ reason: 'response_incomplete', phase: 'body', responseStarted: true })
    expect(sent).toMatchObject({ ended: true, reply: undefined })
    expect(kit.finished[0]?.failure).toMatchObject({ reason: 'response_incomplete', phase: 'body', origin: 'upstream' })
    expect(kit.finished[0]?.attempt?.end).toBe('broken_by_upstream')
  })

  test('an upstream that falls silent in its body is broken off after the idle timeout', () => {
    const kit = new EngineKit({ timeouts: { idle: 1000 } })
    const sent = kit.send()
    kit.latest.connect()
    kit.latest.events.onHead(200, [])
    kit.clock.advance(900)
    kit.latest.events.onData(Buffer.from('x'))
    kit.clock.advance(900)
    expect(sent.ended).toBe(false)
    kit.clock.advance(200)
    expect(sent).toMatchObject({ ended: true, reply: undefined })
    expect(kit.finished[0]?.failure?.reason).toBe('idle_timeout')
  })

  test('an event stream may be silent for timeouts.stream', () => {
    const kit = new EngineKit({ timeouts: { idle: 1000, stream: 5000 } })
    const sent = kit.send()
    kit.latest.connect()
    kit.latest.events.onHead(200, ['Content-Type', 'text/event-stream; charset=utf-8'])
    kit.clock.advance(4900)
    expect(sent.ended).toBe(false)
    kit.clock.advance(200)
    expect(kit.finished[0]?.failure?.reason).toBe('idle_timeout')
  })
})

describe('what a route has learnt of its time', () => {
  /** Answers that took 20 ms, enough of them to know. */
  function learn(kit: EngineKit): void {
    for (let i = 0; i < 130; i++) {
      kit.send()
      kit.running.connect()
      kit.clock.advance(20)
      kit.running.answer(200)
    }
  }
  const hurried = { address: '203.0.113.1', port: 1, localPort: 80, secure: false, listener: 'web' }

  test('a request whose time cannot suffice is refused without an attempt', () => {
    const kit = new EngineKit()
    learn(kit)
    const attempts = kit.attempts.length
    kit.send('GET', '/', ['sluice-timeout-ms', '10'], undefined, hurried)
    expect(kit.finished.at(-1)?.failure).toMatchObject({ reason: 'deadline_unmeetable', origin: 'client' })
    expect(kit.attempts).toHaveLength(attempts)
    expect(kit.inFlight).toBe(0)
  })

  test('another attempt is not begun that could not end in time', () => {
    const kit = new EngineKit({ upstreams: { a: 2 }, retries: { backoff: { base: 0, cap: 0 } } })
    learn(kit)
    kit.send('GET', '/', ['sluice-timeout-ms', '30'], undefined, hurried)
    kit.running.connect()
    kit.clock.advance(15)
    kit.running.answer(503)
    expect(kit.finished.at(-1)).toMatchObject({ attempts: 1, response: { status: 503 } })
  })

  test('later it is forgotten, and requests go through again', () => {
    const kit = new EngineKit()
    learn(kit)
    kit.clock.advance(60_000)
    kit.send('GET', '/', ['sluice-timeout-ms', '10'], undefined, hurried)
    expect(kit.running).toBeDefined()
  })
})

describe('what attempts teach the balancer', () => {
  function known(kit: EngineKit): (number | undefined)[][] {
    const now = kit.clock.now()
    return kit.upstreams.flatMap(({ endpoints }) =>
      endpoints.map(({ blamedUntil, latency }) => [blamedUntil === 0 ? 0 : blamedUntil - now, latency?.value(now)]),
    )
  }

  test('the time to the head of an answer below 500, and no blame', () => {
    const kit = new EngineKit({ algorithm: 'peak-ewma' })
    kit.send()
    kit.latest.connect()
    kit.clock.advance(40)
    kit.latest.answer(404)
    expect(known(kit)).toEqual([[0, 40]])
  })

  test.each([500, 503])('%i blames the endpoint', (answer) => {
    const kit = new EngineKit({ algorithm: 'peak-ewma', retries: { maxExtra: 0 } })
    kit.send()
    kit.latest.connect()
    kit.clock.advance(40)
    kit.latest.answer(answer)
    expect(known(kit)).toEqual([[1000, 40]])
  })

  test('so does a failure without an answer; a further attempt counts from its own start, not from its backoff', () => {
    const kit = new EngineKit({ algorithm: 'peak-ewma', retries: { backoff: { base: 100, cap: 100 } } })
    kit.send()
    kit.clock.advance(5)
    kit.latest.fail({ reason: 'connect_refused', phase: 'connect' })
    expect(known(kit)).toEqual([[1000, 5]])
    kit.clock.advance(200)
    kit.latest.connect()
    const began = kit.attempts.length
    kit.latest.answer(200)
    expect([began, kit.attempts.length]).toEqual([1, 2])
    const [[, latency] = []] = known(kit)
    expect(latency).toBeLessThan(200)
  })

  test('what the deadline ended blames it, what the client ended only counts as slow', () => {
    const kit = new EngineKit({ algorithm: 'peak-ewma', timeouts: { request: 1000 } })
    kit.send()
    kit.latest.connect()
    kit.clock.advance(1000)
    expect(known(kit)).toEqual([[1000, 1000]])
    const gone = new EngineKit({ algorithm: 'peak-ewma' })
    const sent = gone.send()
    gone.latest.connect()
    gone.clock.advance(500)
    sent.downstream.reset()
    // It took at least so long.
    expect(known(gone)).toEqual([[0, 500]])
  })

  test('without an algorithm that asks for it, no latency is kept', () => {
    const kit = new EngineKit()
    kit.send()
    kit.latest.connect()
    kit.clock.advance(40)
    kit.latest.answer(200)
    expect(known(kit)).toEqual([[0, undefined]])
  })
})
