import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../../src/lib/random.ts'
import { Judged } from '../../../kit/judged.ts'

const FRONT = { address: '203.0.113.1', port: 1, localPort: 80, secure: false, listener: 'web' }
const settled = () => Promise.resolve()

/** A request that was sent. */
function asked(rig: Judged): void {
  rig.ask()
  rig.kit.running.connect()
}

/** Fields of the latest request that the upstream got. */
function sent(rig: Judged, name: string): string | undefined {
  const headers = rig.kit.running.request?.headers ?? []
  const at = headers.indexOf(name)
  return at === -1 ? undefined : headers[at + 1]
}

describe('a wait in a queue', () => {
  test('is no attempt when the deadline passes in it: two long answers do not open the breaker', async () => {
    const rig = new Judged({ upstreams: { a: 1 }, connections: { max: 2, maxWaiting: 64 } })
    const long = [rig.ask(), rig.ask()]
    for (const connection of rig.kit.transport.connections) {
      connection.connect()
      connection.events.onHead(200, [])
    }
    const waiting = Array.from({ length: 30 }, () => rig.ask())
    for (let i = 0; i < 10; i++) {
      rig.kit.clock.advance(1_500)
      for (const connection of rig.kit.transport.connections) connection.events.onData(Buffer.from('x'))
    }
    await settled()
    expect(waiting.map(({ status }) => status)).toEqual(new Array(30).fill(504))
    expect(rig.kit.finished).toHaveLength(30)
    expect(rig.kit.finished[0]).toMatchObject({
      attempts: 0,
      queuedMs: 15_000,
      failure: { reason: 'deadline_exceeded', phase: 'queue', origin: 'sluice' },
    })
    expect(rig.kit.attempts).toHaveLength(2)
    expect(rig.breaker).toEqual([])
    expect(long.map(({ state }) => state)).toEqual(['open', 'open'])
    rig.kit.running.finish()
    expect(rig.answered(503, 40)).toBe(20)
  })

  test('gives a retry back to its budget', () => {
    const retryBudget = { percent: 0, interval: 10_000, minRetryRate: { count: 1, interval: 10_000 } }
    const rig = new Judged({
      upstreams: { a: 2 },
      connections: { max: 1, maxWaiting: 8 },
      retries: { maxExtra: 1 },
      atUpstreams: { retryBudget },
    })
    for (let i = 0; i < 3; i++) {
      const held = rig.ask()
      rig.kit.latest.connect()
      const asked = rig.ask()
      const other = rig.kit.transport.connections.find((c) => c.busy && c !== rig.kit.transport.connections[0])
      ;(other ?? rig.kit.latest).connect()
      ;(other ?? rig.kit.latest).answer(503)
      rig.kit.clock.advance(300)
      // Its further attempt waits for the connection of the first.
      expect([...rig.kit.metrics.counts]).toEqual([])
      asked.leave()
      held.leave()
    }
  })

  test('takes nothing of the attempt’s own time, and what is left of the deadline is told', async () => {
    const rig = new Judged({
      upstreams: { a: 1 },
      connections: { max: 1, maxWaiting: 8 },
      timeouts: { attempt: 1_000 },
      retries: { maxExtra: 1 },
    })
    rig.ask()
    rig.kit.running.connect()
    const waiting = rig.ask()
    rig.kit.clock.advance(900)
    rig.kit.running.answer(200)
    rig.kit.running.connect()
    expect(sent(rig, 'sluice-timeout-ms')).toBe('14100')
    rig.kit.clock.advance(900)
    expect(waiting.status).toBe(0)
    rig.kit.clock.advance(100)
    await settled()
    expect(waiting.status).toBe(504)
    expect(rig.kit.finished.at(-1)).toMatchObject({
      attempts: 1,
      attempt: { waitedMs: 900 },
      queuedMs: 900,
      failure: { reason: 'attempt_timeout', phase: 'headers' },
    })
  })

  test('that is longer than an attempt may take ends it there, and another endpoint is asked at once', async () => {
    const rig = new Judged({
      upstreams: { a: 1, b: 1 },
      connections: { max: 1, maxWaiting: 8 },
      timeouts: { attempt: 1_000 },
      retries: { maxExtra: 1 },
    })
    rig.ask()
    rig.kit.latest.connect()
    rig.kit.latest.events.onHead(200, [])
    const waiting = rig.ask()
    rig.kit.clock.advance(1_000)
    rig.kit.latest.connect()
    rig.kit.latest.answer(200)
    await settled()
    expect(waiting.status).toBe(200)
    expect(rig.kit.finished.at(-1)).toMatchObject({ attempts: 1, attempt: { upstream: 'b' } })
    expect(rig.kit.attempts.map(({ upstream }) => upstream)).toEqual(['a', 'b'])
  })

  test('leaves too little of the deadline: what comes of that is none of the endpoint’s', async () => {
    const rig = new Judged({ upstreams: { a: 1 }, connections: { max: 1, maxWaiting: 64 } }, { window: '1h' })
    for (let i = 0; i < 30; i++) {
      rig.ask()
      rig.kit.running.connect()
      rig.kit.running.events.onHead(200, [])
      rig.ask()
      rig.kit.clock.advance(14_500)
      rig.kit.running.finish()
      rig.kit.running.connect()
      rig.kit.clock.advance(500)
      await settled()
    }
    expect(rig.kit.finished[1]).toMatchObject({
      attempts: 1,
      failure: { reason: 'deadline_exceeded', phase: 'headers', origin: 'sluice' },
    })
    expect([rig.breaker, rig.ejected]).toEqual([[], []])
  })

  test.each([{ request: 300 }, { total: 300 }])(
    'of no length leaves an endpoint that hangs no excuse: %j',
    async (timeouts) => {
      const rig = new Judged({ timeouts })
      for (let i = 0; i < 20; i++) {
        asked(rig)
        rig.kit.clock.advance(400)
        await settled()
      }
      expect(rig.breaker).toEqual(['open'])
    },
  )

  test('ends with a dial: that is an attempt', async () => {
    const rig = new Judged({ upstreams: { a: 1 } })
    for (let i = 0; i < 20; i++) {
      rig.ask()
      rig.kit.clock.advance(15_000)
    }
    await settled()
    expect(rig.kit.finished.at(-1)?.failure).toMatchObject({ phase: 'connect', origin: 'upstream' })
    expect(rig.kit.attempts).toHaveLength(20)
  })
})

describe('a deadline that a gateway in front shortened', () => {
  /** Requests to endpoints that never answer, each with so much time. */
  async function hurry(rig: Judged, ms: number, count = 30): Promise<void> {
    for (let i = 0; i < count; i++) {
      rig.ask({ peer: FRONT, headers: ['sluice-timeout-ms', String(ms)] })
      rig.kit.running?.connect()
      rig.kit.clock.advance(ms)
      await settled()
    }
  }

  test('is the client’s where the endpoint had less than the route gives it', async () => {
    const rig = new Judged()
    await hurry(rig, 100)
    expect(rig.kit.finished.map(({ failure }) => failure)).toEqual(
      new Array(30).fill(expect.objectContaining({ reason: 'deadline_exceeded', origin: 'client', phase: 'headers' })),
    )
    expect(rig.kit.attempts.every(({ head }) => head?.ignored)).toBe(true)
    expect([rig.breaker, rig.ejected]).toEqual([[], []])
  })

  test('is a timeout where it had as much: a hang is still seen behind another gateway', async () => {
    const rig = new Judged({}, { window: '60s' })
    await hurry(rig, 1_000, 21)
    expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'deadline_exceeded', origin: 'upstream' })
    expect(rig.breaker).toEqual(['open'])
    expect(rig.ejected).not.toEqual([])
  })

  test('is measured by the attempt’s own bound where there is one', async () => {
    const rig = new Judged({ timeouts: { attempt: 300 } })
    await hurry(rig, 250)
    expect(rig.breaker).toEqual([])
    await hurry(rig, 300)
    expect(rig.breaker).toEqual(['open'])
  })

  test('is a timeout where it had half of what the route gives a request, however slow it is', async () => {
    const rig = new Judged({ timeouts: { request: 500 } })
    await hurry(rig, 240)
    expect(rig.breaker).toEqual([])
    await hurry(rig, 260)
    expect(rig.breaker).toEqual(['open'])
  })

  test('is measured by what the endpoint usually needs', async () => {
    const rig = new Judged({ upstreams: { a: 1 } })
    for (let i = 0; i < 130; i++) {
      rig.ask()
      rig.kit.running.connect()
      rig.kit.clock.advance(150 + 250 * (i % 2))
      rig.kit.running.answer(200)
    }
    for (let i = 0; i < 30; i++) {
      rig.ask({ peer: FRONT, headers: ['sluice-timeout-ms', '500'] })
      rig.kit.running.connect()
      rig.kit.clock.advance(500)
    }
    expect(rig.breaker).toEqual([])
  })

  test('does not count while the request waits for a connection', async () => {
    const rig = new Judged({ upstreams: { a: 1 }, connections: { max: 1, maxWaiting: 64 } })
    rig.ask()
    rig.kit.running.connect()
    rig.kit.running.events.onHead(200, [])
    for (let i = 0; i < 30; i++) rig.ask({ peer: FRONT, headers: ['sluice-timeout-ms', '3000'] })
    rig.kit.clock.advance(3_000)
    await settled()
    expect(rig.kit.finished).toHaveLength(30)
    expect(rig.kit.finished[0]?.failure).toMatchObject({ phase: 'queue', origin: 'sluice' })
    expect([rig.breaker, rig.ejected, rig.kit.attempts.length]).toEqual([[], [], 1])
  })

  test('that cannot suffice is the client’s, too', async () => {
    const rig = new Judged({ upstreams: { a: 1 } })
    for (let i = 0; i < 130; i++) {
      rig.ask()
      rig.kit.running.connect()
      rig.kit.clock.advance(50)
      rig.kit.running.answer(200)
    }
    rig.ask({ peer: FRONT, headers: ['sluice-timeout-ms', '20'] })
    await settled()
    expect(rig.kit.finished.at(-1)?.failure).toMatchObject({ reason: 'deadline_unmeetable', origin: 'client' })
  })
})

describe('clients that leave', () => {
  test('do not hide an endpoint that hangs', () => {
    const rig = new Judged()
    for (let i = 0; i < 40; i++) {
      const client = rig.ask()
      const at = rig.kit.running
      at.connect()
      if (at.target === rig.kit.transport.connections[0]?.target) {
        rig.kit.clock.advance(1_000)
        client.leave()
      } else at.answer(200)
    }
    expect(rig.ejected).toHaveLength(1)
    expect(rig.breaker).toEqual([])
  })

  test('do not eject an endpoint that answers others meanwhile', () => {
    const rig = new Judged({ upstreams: { a: 2 } })
    for (let i = 0; i < 20; i++) {
      const impatient = [rig.ask({ target: '/slow' }), rig.ask({ target: '/slow' })]
      for (const connection of rig.kit.transport.connections) if (connection.busy) connection.connect()
      rig.kit.clock.advance(500)
      for (const _ of [1, 2]) {
        rig.ask()
        const last = rig.kit.transport.connections.findLast(({ busy }) => busy)
        last?.connect()
        last?.answer(200)
      }
      rig.kit.clock.advance(1_500)
      for (const client of impatient) client.leave()
    }
    expect(rig.ejected).toEqual([])
  })

  test('at once teach nothing', () => {
    const rig = new Judged()
    for (let i = 0; i < 40; i++) {
      const client = rig.ask()
      rig.kit.running.connect()
      rig.kit.clock.advance(900)
      client.leave()
    }
    expect([rig.ejected, rig.breaker]).toEqual([[], []])
  })

  test('in the midst of their upload teach nothing, however long it took', () => {
    const rig = new Judged()
    for (let i = 0; i < 40; i++) {
      const client = rig.ask({ method: 'POST', contentLength: 100 })
      rig.kit.running.connect()
      client.feed(Buffer.from('x'))
      rig.kit.clock.advance(5_000)
      client.leave()
    }
    expect([rig.ejected, rig.breaker]).toEqual([[], []])
  })
})

describe('behind a good head', () => {
  test('an answer that falls silent is a failure of the upstream', async () => {
    const rig = new Judged({}, { window: '1h' })
    for (let i = 0; i < 20; i++) {
      rig.ask()
      rig.kit.running.connect()
      rig.kit.running.events.onHead(200, [])
      rig.kit.clock.advance(60_000)
      await settled()
    }
    expect(rig.kit.finished[0]).toMatchObject({
      failure: { reason: 'idle_timeout' },
      attempt: { end: 'broken_by_upstream' },
    })
    expect(rig.breaker).toEqual(['open'])
    expect(rig.ejected).not.toEqual([])
  })

  test.each([
    ['a stream', ['content-type', 'text/event-stream'], 300_000, 0],
    ['an answer that waits for the rest of its request', [], 60_000, -1],
  ])('%s may be silent', async (_, headers, ms, contentLength) => {
    const rig = new Judged({}, { window: '1h' })
    for (let i = 0; i < 30; i++) {
      rig.ask({ method: 'POST', contentLength })
      rig.kit.running.connect()
      rig.kit.running.events.onHead(200, headers)
      rig.kit.clock.advance(ms)
      await settled()
    }
    expect(rig.kit.finished[0]).toMatchObject({ failure: { reason: 'idle_timeout' }, attempt: { end: 'broken_by_us' } })
    expect([rig.breaker, rig.ejected]).toEqual([[], []])
  })

  test('a client that reads nothing is the client’s', async () => {
    const rig = new Judged({}, { window: '1h' })
    for (let i = 0; i < 30; i++) {
      const client = rig.ask()
      client.block()
      rig.kit.running.connect()
      rig.kit.running.events.onHead(200, [])
      rig.kit.running.events.onData(Buffer.from('x'))
      rig.kit.clock.advance(60_000)
      await settled()
    }
    expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'request_timeout', origin: 'client' })
    expect([rig.breaker, rig.ejected]).toEqual([[], []])
  })

  test('a hook that keeps it past the deadline is ours', async () => {
    const rig = new Judged({ policies: [{ name: 'slow', respond: () => new Promise(() => {}) }] })
    for (let i = 0; i < 30; i++) {
      rig.ask()
      rig.kit.running.connect()
      rig.kit.running.events.onHead(200, [])
      rig.kit.clock.advance(16_000)
      await settled()
    }
    expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'deadline_exceeded', origin: 'sluice' })
    expect([rig.breaker, rig.ejected]).toEqual([[], []])
  })

  test('the bound of the whole exchange says nothing of the upstream', async () => {
    const rig = new Judged({ timeouts: { total: 2_000 } })
    for (let i = 0; i < 30; i++) {
      rig.ask()
      rig.kit.running.connect()
      rig.kit.running.events.onHead(200, [])
      rig.kit.clock.advance(2_000)
      await settled()
    }
    expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'total_exceeded' })
    expect([rig.breaker, rig.ejected]).toEqual([[], []])
  })
})

describe('what a connection says of itself', () => {
  test.each(['bad_request', 'internal'] as const)('%s is none of the upstream’s faults', async (reason) => {
    const rig = new Judged()
    for (let i = 0; i < 30; i++) {
      rig.ask({ method: 'POST', contentLength: 5 })
      rig.kit.running.connect()
      rig.kit.running.fail({ reason, phase: 'send' })
      await settled()
    }
    expect(rig.kit.finished.map(({ failure, attempts }) => [failure?.reason, attempts])).toEqual(
      new Array(30).fill([reason, 1]),
    )
    expect([rig.breaker, rig.ejected]).toEqual([[], []])
  })

  test.each(['EMFILE', 'EADDRNOTAVAIL'])('nor is it when Sluice lacks sockets: %s', async (code) => {
    const rig = new Judged()
    for (let i = 0; i < 30; i++) {
      rig.ask()
      const cause = Object.assign(new Error('no socket'), { code })
      rig.kit.running.fail({ reason: 'connect_failed', phase: 'connect', connected: false, bytesSent: false, cause })
      await settled()
    }
    expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'connect_failed', origin: 'sluice' })
    expect([rig.breaker, rig.ejected]).toEqual([[], []])
  })

  test('nor is it behind a head', async () => {
    const rig = new Judged()
    for (let i = 0; i < 30; i++) {
      rig.ask()
      rig.kit.running.connect()
      rig.kit.running.events.onHead(200, [])
      rig.kit.running.fail({ reason: 'internal', phase: 'body' })
      await settled()
    }
    expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'internal', origin: 'sluice' })
    expect([rig.breaker, rig.ejected]).toEqual([[], []])
  })
})

describe('half-open', () => {
  /** Uploads that send a byte and then nothing. */
  const stalled = (rig: Judged, count: number, contentLength = 100) =>
    Array.from({ length: count }, () => {
      const client = rig.ask({ method: 'POST', contentLength })
      client.feed(Buffer.from('x'))
      return client
    })

  /** A whole upload; false: it was refused or waits. */
  function upload(rig: Judged, bytes: number, whole = true): boolean {
    const { length } = rig.kit.transport.connections.filter(({ busy }) => busy)
    const client = rig.ask({ method: 'POST', contentLength: bytes })
    for (let left = bytes; left > 0; left -= 16_384) client.feed(Buffer.alloc(Math.min(left, 16_384)))
    if (whole) client.feedEnd()
    return rig.kit.transport.connections.filter(({ busy }) => busy).length > length
  }

  test('stalled uploads hold no probe, and reach no endpoint', () => {
    const rig = new Judged()
    rig.halfOpen()
    const clients = stalled(rig, 30)
    expect(rig.kit.running).toBeUndefined()
    expect(clients.map(({ body }) => body)).toEqual(new Array(30).fill('wanted'))
    expect(rig.answered(200, 5)).toBe(5)
    expect(rig.breaker).toEqual(['half_open', 'ramping'])
  })

  test('an upload is read whole, then it is a probe: a route that gets nothing else recovers', () => {
    const rig = new Judged()
    rig.halfOpen()
    for (let i = 0; i < 5; i++) {
      expect(upload(rig, 65_536)).toBe(true)
      rig.kit.running.connect()
      expect(rig.kit.running.sent.length).toBe(65_536)
      rig.kit.running.answer(200)
    }
    expect(rig.breaker).toEqual(['half_open', 'ramping'])
  })

  test('of larger ones one goes each second: a route that gets nothing else recovers', () => {
    const rig = new Judged()
    rig.halfOpen()
    for (let i = 0; i < 5; i++) {
      expect(upload(rig, 100_000)).toBe(true)
      rig.kit.running.connect()
      expect(rig.kit.running.sent.length).toBe(100_000)
      expect(upload(rig, 100_000)).toBe(false)
      rig.kit.running.answer(200)
      rig.kit.clock.advance(1_000)
    }
    expect(rig.breaker).toEqual(['half_open', 'ramping'])
  })

  test('larger ones that stall hold nothing either', () => {
    const rig = new Judged()
    rig.halfOpen()
    for (let i = 0; i < 10; i++) {
      upload(rig, 100_000, false)
      rig.kit.clock.advance(1_000)
    }
    for (let i = 0; i < 5; i++) {
      rig.ask()
      const probe = rig.kit.transport.connections.findLast(({ busy }) => busy)
      probe?.connect()
      probe?.answer(200)
    }
    expect(rig.breaker).toEqual(['half_open', 'ramping'])
  })

  test('a failure of a larger one opens it again', () => {
    const rig = new Judged()
    rig.halfOpen()
    upload(rig, 100_000)
    rig.kit.running.connect()
    rig.kit.running.answer(503)
    expect(rig.breaker).toEqual(['half_open', 'open'])
  })

  test('an upload whose client leaves, stalls or breaks it off meanwhile is no attempt', async () => {
    const rig = new Judged()
    rig.halfOpen()
    await settled()
    const before = rig.kit.finished.length
    for (const why of ['closed', 'too_slow', 'malformed'] as const) {
      for (const client of stalled(rig, 5)) client.leave(why)
    }
    await settled()
    expect(rig.kit.finished.slice(before).map(({ attempts, failure }) => [attempts, failure?.reason])).toEqual([
      ...new Array(5).fill([0, 'client_gone']),
      ...new Array(5).fill([0, 'request_timeout']),
      ...new Array(5).fill([0, 'bad_request']),
    ])
    expect(rig.breaker).toEqual(['half_open'])
  })

  test('goes to another upstream at once where there is one', () => {
    const rig = new Judged({ upstreams: { a: 1, b: 1 } })
    for (let i = 0; i < 20; i++) {
      rig.ask()
      rig.kit.running.connect()
      rig.kit.running.answer(503)
    }
    rig.kit.clock.advance(40_000)
    rig.ask({ method: 'POST', contentLength: 10 })
    rig.kit.running.connect()
    rig.kit.running.answer(200)
    expect(rig.kit.attempts.at(-1)?.upstream).toBe('b')
  })

  test('in shadow nothing waits', () => {
    const rig = new Judged({}, { mode: 'shadow' })
    rig.halfOpen()
    for (let i = 0; i < 10; i++) upload(rig, 100, false)
    expect(rig.kit.transport.connections.filter(({ busy }) => busy)).toHaveLength(10)
    expect(rig.answered(200, 5)).toBe(5)
  })
})

describe('an upstream that loses patience', () => {
  const setUp = { timeouts: { minRate: { bytes: 1024, window: 600_000 } } }

  test.each([0, 5, 100])('with a client that sends %i bytes a second of its body is not to blame', async (bytes) => {
    const rig = new Judged(setUp, { window: '1h' })
    for (let i = 0; i < 30; i++) {
      const client = rig.ask({ method: 'POST', contentLength: 100_000 })
      rig.kit.running.connect()
      for (let second = 0; second < 8; second++) {
        client.feed(Buffer.alloc(bytes))
        rig.kit.clock.advance(1_000)
      }
      rig.kit.running.fail({ reason: 'upstream_reset', phase: 'send', requestDone: false })
      await settled()
    }
    expect(rig.kit.finished[0]?.failure).toMatchObject({ reason: 'upstream_reset', origin: 'client' })
    expect([rig.breaker, rig.ejected]).toEqual([[], []])
  })

  test('with a client that reads nothing of its answer is not to blame', async () => {
    const rig = new Judged(setUp, { window: '1h' })
    for (let i = 0; i < 30; i++) {
      const client = rig.ask()
      client.block()
      rig.kit.running.connect()
      rig.kit.running.events.onHead(200, [])
      rig.kit.running.events.onData(Buffer.from('x'))
      for (let second = 0; second < 4; second++) rig.kit.clock.advance(1_000)
      rig.kit.running.fail({ reason: 'response_incomplete', phase: 'body' })
      await settled()
    }
    expect(rig.kit.finished[0]).toMatchObject({
      failure: { reason: 'response_incomplete', origin: 'client' },
      attempt: { end: 'broken_by_us' },
    })
    expect([rig.breaker, rig.ejected]).toEqual([[], []])
  })

  /** How a client sends its body: so many bytes each time, milliseconds apart, for so long. */
  const CLIENTS = [
    { does: 'falls silent', bytes: 0, every: 400, lasts: 400 },
    { does: 'falls silent for longer', bytes: 0, every: 1_500, lasts: 1_500 },
    { does: 'sends a byte now and then', bytes: 1, every: 700, lasts: 1_500 },
    { does: 'goes on so', bytes: 1, every: 700, lasts: 5_500 },
    { does: 'sends just more than the minimum rate', bytes: 700, every: 500, lasts: 8_000 },
    { does: 'sends many small pieces', bytes: 1, every: 10, lasts: 400 },
    { does: 'fills what is kept, then sends a byte now and then', first: 70_000, bytes: 1, every: 100, lasts: 1_500 },
  ]

  /** Uploads of such a client, each of which the upstream ends. */
  async function uploads(
    rig: Judged,
    { first = 2, bytes, every, lasts }: { first?: number; bytes: number; every: number; lasts: number },
    ends: (rig: Judged) => void,
    { count = 30, contentLength = 9_000_000, method = 'POST' } = {},
  ): Promise<void> {
    for (let i = 0; i < count; i++) {
      const client = rig.ask({ method, contentLength })
      rig.kit.running.connect()
      client.feed(Buffer.alloc(first))
      for (let ms = 0; ms < lasts; ms += every) {
        rig.kit.clock.advance(every)
        if (bytes > 0) client.feed(Buffer.alloc(bytes))
      }
      ends(rig)
      await settled()
      // By then a further attempt would have begun.
      rig.kit.clock.advance(500)
      client.leave()
    }
  }

  const resets = (rig: Judged): void =>
    rig.kit.running.fail({ reason: 'upstream_reset', phase: 'send', requestDone: false })
  const MIN_RATES = [{ minRate: undefined }, { minRate: { bytes: 1024, window: 600_000 } }]

  for (const client of CLIENTS) {
    test.each(MIN_RATES)(
      `with a client that ${client.does} is not to blame for a broken connection: %j`,
      async (timeouts) => {
        const rig = new Judged({ timeouts }, { window: '1h' })
        await uploads(rig, client, resets)
        expect(rig.kit.finished[0]).toMatchObject({
          response: { status: 502 },
          failure: { reason: 'upstream_reset', origin: 'client' },
          attempt: { head: { ignored: true }, end: 'broken_by_us' },
        })
        expect([rig.breaker, rig.ejected]).toEqual([[], []])
      },
    )

    test.each([500, 502, 503, 504])(`with a client that ${client.does} is not to blame for its %i`, async (status) => {
      const rig = new Judged({}, { window: '1h' })
      await uploads(rig, client, ({ kit }) => kit.running.answer(status))
      expect(rig.kit.finished[0]).toMatchObject({
        response: { status },
        failure: undefined,
        attempt: { head: { ignored: true } },
      })
      expect([rig.breaker, rig.ejected]).toEqual([[], []])
    })

    test(`with a client that ${client.does} may break its early answer off`, async () => {
      const rig = new Judged({}, { window: '1h' })
      await uploads(rig, client, ({ kit }) => {
        kit.running.events.onHead(200, [])
        kit.running.fail({ reason: 'response_incomplete', phase: 'body', requestDone: false })
      })
      expect(rig.kit.finished[0]).toMatchObject({
        failure: { reason: 'response_incomplete', origin: 'client' },
        attempt: { end: 'broken_by_us' },
      })
      expect([rig.breaker, rig.ejected]).toEqual([[], []])
    })
  }

  test.each(['reset', 'status'])('is not asked again elsewhere for the same client: %s', async (how) => {
    const rig = new Judged({ retries: { maxExtra: 1, when: ['connect', 'reset', 503] } }, { window: '1h' })
    const ends = how === 'reset' ? resets : ({ kit }: Judged): void => kit.running.answer(503)
    const put = { method: 'PUT', contentLength: 100 }
    await uploads(rig, { bytes: 1, every: 100, lasts: 400 }, ends, put)
    expect(rig.kit.finished.map(({ attempts }) => attempts)).toEqual(new Array(30).fill(1))
    expect([rig.breaker, rig.ejected]).toEqual([[], []])
  })

  /**
   * Those that leave nobody waiting, for a rate of 300 kB a second and more; and failures that come too soon for patience.
   */
  const INNOCENT = [
    { does: 'sends without a pause', bytes: 65_536, every: 100, lasts: 2_000 },
    { does: 'sends small pieces without a pause', bytes: 1_500, every: 5, lasts: 400 },
    { does: 'has only just begun', bytes: 0, every: 150, lasts: 150 },
    { does: 'pauses once', first: 70_000, bytes: 65_536, every: 190, lasts: 1_900 },
  ]

  test.each(INNOCENT)('with a client that $does is to blame', async (client) => {
    for (const ends of [resets, ({ kit }: Judged): void => kit.running.answer(503)]) {
      const rig = new Judged({}, { window: '1h' })
      await uploads(rig, client, ends, { count: 20 })
      expect(rig.breaker).toEqual(['open'])
      expect(rig.ejected).not.toEqual([])
    }
  })

  test('with a client that is done is to blame, however long that took', async () => {
    const rig = new Judged({}, { window: '1h' })
    for (let i = 0; i < 20; i++) {
      const client = rig.ask({ method: 'POST', contentLength: 2 })
      rig.kit.running.connect()
      rig.kit.clock.advance(5_000)
      client.feed(Buffer.from('ab'))
      client.feedEnd()
      rig.kit.running.answer(503)
    }
    expect(rig.breaker).toEqual(['open'])
  })

  test('is to blame where it took nothing for most of the time', async () => {
    const rig = new Judged({}, { window: '1h' })
    for (let i = 0; i < 20; i++) {
      const client = rig.ask({ method: 'POST', contentLength: 9_000_000 })
      const { running } = rig.kit
      running.connect()
      rig.kit.clock.advance(1_000)
      running.room = false
      client.feed(Buffer.alloc(70_000))
      rig.kit.clock.advance(1_500)
      resets(rig)
      await settled()
    }
    expect(rig.breaker).toEqual(['open'])
  })
})

describe('an endpoint that hedges overtake', () => {
  /** Milliseconds until an endpoint sends its head to the request of that number; Infinity: never. */
  type Takes = (request: number, now: number) => number

  const STEP = 5
  const quick: Takes = () => 5
  const hung: Takes = () => Number.POSITIVE_INFINITY

  /** Requests, `width` at a time and `pause` ms apart, to two endpoints; how long each client waited. */
  function drive(rig: Judged, takes: readonly Takes[], count: number, { width = 1, pause = 0 } = {}): number[] {
    const { clock, transport } = rig.kit
    const due = new Map<object, number>()
    const waits: number[] = []
    for (let asked = 0; asked < count; asked += width) {
      let living = Array.from({ length: width }, () => ({ client: rig.ask(), since: clock.now() }))
      while (living.length > 0) {
        for (const connection of transport.connections) {
          const { busy, request, target } = connection
          if (!busy || request === undefined) continue
          if (!due.has(request)) {
            connection.connect()
            due.set(
              request,
              clock.now() + (takes[target === transport.connections[0]?.target ? 0 : 1] as Takes)(asked, clock.now()),
            )
          }
          if ((due.get(request) as number) <= clock.now()) connection.answer(200)
        }
        const { length } = waits
        for (const { client, since } of living) if (client.status !== 0) waits.push(clock.now() - since)
        if (waits.length > length) living = living.filter(({ client }) => client.status === 0)
        if (living.length > 0) clock.advance(STEP)
      }
      clock.advance(STEP + pause)
      for (let i = transport.connections.length - 1; i > 0; i--) {
        if (transport.connections[i]?.closed) transport.connections.splice(i, 1)
      }
    }
    return waits
  }

  const judged = (delay?: number): Judged => new Judged({ hedge: { delay }, retries: { maxExtra: 1 } })

  test.each([10, 100, 500, 2_000, undefined])('is ejected where it hangs: a delay of %s ms', (delay) => {
    const rig = judged(delay)
    // What is usual is known before.
    expect(drive(rig, [quick, quick], 400).every((ms) => ms <= 10)).toBe(true)
    const waits = drive(rig, [hung, quick], 300)
    expect(rig.ejected).toHaveLength(1)
    expect(rig.breaker).toEqual([])
    expect(waits.slice(-50).every((ms) => ms <= 10)).toBe(true)
  })

  test('is ejected where it hangs from the start, and where requests are seldom', () => {
    for (const pause of [0, 900, 4_000]) {
      const rig = judged(100)
      drive(rig, [hung, quick], 60, { pause })
      expect(rig.ejected.length).toBeGreaterThan(0)
    }
  })

  test.each([1, 8])('is not where one of ten of its answers takes longer, %i at a time', (width) => {
    const random = seededRandom(7)
    const uneven: Takes = () => (random.float() < 0.1 ? 300 : 5)
    for (const delay of [20, 100, undefined]) {
      const rig = judged(delay)
      drive(rig, [uneven, quick], 3_000, { width })
      expect(rig.ejected).toEqual([])
    }
  })

  test('is not where three of ten do, seldom asked or often', () => {
    const random = seededRandom(11)
    const uneven: Takes = () => (random.float() < 0.3 ? 300 : 5)
    for (const pause of [0, 500, 3_000, 20_000]) {
      const rig = judged(100)
      drive(rig, [uneven, uneven], 400, { pause })
      expect(rig.ejected).toEqual([])
    }
  })

  test('is not where it pauses for half a second with many in flight', () => {
    const rig = judged(50)
    const pauses: Takes = (_, now) => (now % 4_000 < 500 ? 500 - (now % 4_000) : 5)
    drive(rig, [pauses, quick], 4_000, { width: 20 })
    expect(rig.ejected).toEqual([])
  })

  test('is not where the request was slow everywhere: it came second', () => {
    for (const ms of [300, 1_500, 3_000]) {
      const rig = judged(100)
      drive(rig, [() => ms, () => ms], 60)
      expect(rig.ejected).toEqual([])
    }
  })

  test('is not where hedges come sooner than any answer, and chance decides', () => {
    const random = seededRandom(3)
    const slow: Takes = () => 200 + random.float() * 200
    const rig = judged(20)
    drive(rig, [slow, slow], 400)
    expect(rig.ejected).toEqual([])
  })
})
