import { expect, test } from 'vitest'
import { FAILURES, failure, type Reason } from '../../../src/core/failures.ts'
import type { Policy } from '../../../src/core/policy.ts'
import { EndpointStateBit } from '../../../src/core/protocol.ts'
import type { TransportFailure } from '../../../src/core/transport.ts'
import type { EngineSetUp } from '../../kit/engine.ts'
import { Judged } from '../../kit/judged.ts'

/**
 * The table of failures, walked: each reason is provoked 30 times by a scripted client or upstream, first with a closed
 * breaker, then with a half-open one. What the table says it teaches must be what breaker and outlier detection have learnt.
 */

/** Makes one request end for the reason; others that it takes end as faults of nobody. */
interface Way {
  readonly setUp?: EngineSetUp
  /** It takes more than probes. */
  readonly closedOnly?: true
  one(rig: Judged): void | Promise<void>
}

/** A gateway that is trusted. */
const FRONT = { address: '203.0.113.1', port: 1, localPort: 80, secure: false, listener: 'web' }
const UPLOAD = { method: 'POST', contentLength: 10 }
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** An attempt is under way: the request was sent, no answer has come. */
function asked(rig: Judged, what = {}) {
  const busy = rig.kit.transport.connections.filter((other) => other.busy)
  const client = rig.ask(what)
  const connection = rig.kit.transport.connections.find((other) => other.busy && !busy.includes(other))
  connection?.connect()
  return { client, connection }
}

/** The same, and the head of a good answer has come. */
function answering(rig: Judged, what = {}, headers: readonly string[] = []) {
  const { client, connection } = asked(rig, what)
  connection?.events.onHead(200, headers)
  return { client, connection }
}

/** The listener or the look-up refuses it: it never gets as far as a route. */
const before = (reason: Reason): Way => ({
  one: (rig) => rig.kit.engine.handle(rig.client(), failure(reason, 'request', FAILURES[reason].fault)),
})

/** A policy refuses it before any attempt. */
const byPolicy = (reason: Reason): Way => ({
  setUp: { policies: [{ name: 'p', admit: (ex) => (ex.method === 'PUT' ? { reason } : undefined) }] },
  one: (rig) => void rig.ask({ method: 'PUT' }),
})

/** What looks at request bodies refuses one whose attempt is under way. */
function byBody(push: () => { readonly reason: Reason }): Way {
  const requestBody: Policy['requestBody'] = () => ({ changesLength: false, push, end: () => undefined })
  return {
    setUp: { policies: [{ name: 'p', requestBody }] },
    one: (rig) => asked(rig, UPLOAD).client.feed(Buffer.from('x')),
  }
}

/** The connection tells it before an answer has come. */
const byConnection = (reason: Reason, facts: Partial<TransportFailure> = {}): Way => ({
  one: (rig) => void asked(rig).connection?.fail({ reason, ...facts }),
})

/** Time passes while the attempt is under way. */
const after = (ms: number, setUp: EngineSetUp = {}): Way => ({
  setUp,
  one: (rig) => {
    asked(rig)
    rig.kit.clock.advance(ms)
  },
})

/** So many answers hold what the next request asks for. */
const behind = (holders: number, setUp: EngineSetUp): Way => ({
  setUp,
  one: (rig) => {
    const held = Array.from({ length: holders }, () => asked(rig).client)
    rig.ask()
    for (const client of held) client.leave()
  },
})

const atStage = (stage: number, headers: readonly string[] = []): Way => {
  const pressure = { stage: 0 }
  return {
    setUp: { pressure },
    one: (rig) => {
      pressure.stage = stage
      rig.ask({ peer: FRONT, headers })
      pressure.stage = 0
    },
  }
}

const CUT = { timeouts: { total: 2_000 } }
const SLOWLY = { timeouts: { minRate: { bytes: 1024, window: 10_000 } } }

const WAYS: Partial<Record<Reason, readonly Way[]>> = {
  no_route: [before('no_route')],
  not_found: [byPolicy('not_found')],
  method_not_allowed: [before('method_not_allowed'), byPolicy('method_not_allowed')],
  bad_request: [
    before('bad_request'),
    byBody(() => ({ reason: 'bad_request' })),
    byConnection('bad_request', { phase: 'send' }),
    { one: (rig) => asked(rig, UPLOAD).client.leave('malformed') },
  ],
  ambiguous_path: [before('ambiguous_path')],
  request_timeout: [
    before('request_timeout'),
    { one: (rig) => asked(rig, UPLOAD).client.leave('too_slow') },
    {
      setUp: SLOWLY,
      one: (rig) => {
        const { client } = asked(rig, UPLOAD)
        client.feed(Buffer.from('x'))
        rig.kit.clock.advance(11_000)
        // Half-open, no attempt waits for it: it is gone all the same.
      },
    },
    {
      one: (rig) => {
        const { client, connection } = asked(rig)
        client.block()
        connection?.events.onHead(200, [])
        connection?.events.onData(Buffer.from('x'))
        rig.kit.clock.advance(60_000)
      },
    },
  ],
  stalled_client: [
    {
      setUp: {
        upstreams: { a: 2 },
        connections: { max: 1, maxWaiting: 8 },
        timeouts: { minRate: { bytes: 1024, window: 600_000 }, request: undefined },
      },
      one: (rig) => {
        const held = [0, 1].map(() => {
          const { client, connection } = asked(rig)
          client.block()
          connection?.events.onHead(200, [])
          connection?.events.onData(Buffer.from('x'))
          return client
        })
        for (let i = 0; i < 6; i++) rig.kit.clock.advance(1_000)
        for (const client of [...held, rig.ask()]) client.leave()
      },
    },
  ],
  unsupported_media_type: [byPolicy('unsupported_media_type'), byBody(() => ({ reason: 'unsupported_media_type' }))],
  expectation_failed: [before('expectation_failed')],
  upgrade_required: [before('upgrade_required')],
  misdirected: [before('misdirected')],
  not_implemented: [before('not_implemented')],
  loop_detected: [{ one: (rig) => void rig.ask({ headers: ['via', '1.1 test'] }) }],
  idempotency_conflict: [byPolicy('idempotency_conflict')],
  idempotency_mismatch: [byPolicy('idempotency_mismatch'), byBody(() => ({ reason: 'idempotency_mismatch' }))],
  unauthenticated: [byPolicy('unauthenticated')],
  forbidden: [byPolicy('forbidden'), byBody(() => ({ reason: 'forbidden' }))],
  rate_limited: [byPolicy('rate_limited'), byBody(() => ({ reason: 'rate_limited' }))],
  body_too_large: [byPolicy('body_too_large'), byBody(() => ({ reason: 'body_too_large' }))],
  uri_too_long: [before('uri_too_long')],
  headers_too_large: [before('headers_too_large')],
  client_gone: [
    { one: (rig) => asked(rig).client.leave() },
    { one: (rig) => asked(rig, UPLOAD).client.leave() },
    { one: (rig) => answering(rig).client.leave() },
    // An endpoint that answers others meanwhile.
    {
      closedOnly: true,
      one: (rig) => {
        const { client } = asked(rig)
        rig.kit.clock.advance(5_000)
        for (const other of [answering(rig), answering(rig)]) other.connection?.finish()
        client.leave()
      },
    },
  ],
  no_endpoint: [
    {
      one: (rig) => {
        rig.kit.setState(EndpointStateBit.draining)
        rig.ask()
        rig.kit.setState(0)
      },
    },
  ],
  overloaded: [before('overloaded'), atStage(3)],
  connections: [before('connections')],
  shed: [atStage(1, ['sluice-importance', 'low'])],
  bulkhead_full: [byPolicy('bulkhead_full'), behind(1, { maxAttempts: 1 })],
  queue_timeout: [byPolicy('queue_timeout')],
  pool_full: [behind(2, { connections: { max: 1, maxWaiting: 0 } })],
  streams_full: [
    {
      setUp: { policies: [{ name: 'p', stream: () => ({ reason: 'streams_full' }) }] },
      one: (rig) => void answering(rig, {}, ['content-type', 'text/event-stream']),
    },
  ],
  draining: [
    {
      one: (rig) => {
        asked(rig)
        rig.kit.engine.cut(failure('draining', 'request', 'operator'))
      },
    },
    {
      one: (rig) => {
        answering(rig)
        rig.kit.engine.cut(failure('draining', 'request', 'operator'))
      },
    },
  ],
  connect_refused: [byConnection('connect_refused')],
  connect_failed: [byConnection('connect_failed', { connected: false, phase: 'connect' })],
  connect_timeout: [byConnection('connect_timeout', { connected: false, phase: 'connect' })],
  dns_error: [byConnection('dns_error', { connected: false, phase: 'connect' })],
  idle_timeout: [
    {
      one: (rig) => {
        answering(rig)
        rig.kit.clock.advance(60_000)
      },
    },
  ],
  total_exceeded: [after(2_000, CUT)],
  tls_error: [byConnection('tls_error', { phase: 'tls' })],
  attempt_timeout: [
    after(1_000, { timeouts: { attempt: 1_000 }, retries: { maxExtra: 1, when: [] } }),
    {
      setUp: SLOWLY,
      one: (rig) => {
        const client = rig.ask({ method: 'POST', contentLength: 20 })
        client.feed(Buffer.alloc(20))
        client.feedEnd()
        const connection = rig.kit.transport.connections.findLast(({ busy }) => busy)
        if (connection === undefined) return
        connection.room = false
        connection.connect()
        rig.kit.clock.advance(11_000)
      },
    },
  ],
  deadline_exceeded: [
    after(15_000),
    {
      one: (rig) => {
        rig.ask()
        rig.kit.clock.advance(15_000)
      },
    },
  ],
  deadline_unmeetable: [
    {
      one: (rig) => {
        const { latencies } = rig.kit.route
        for (let i = 0; i < 130; i++) latencies.record(500, rig.kit.clock.now())
        rig.ask({ peer: FRONT, headers: ['sluice-timeout-ms', '100'] })
      },
    },
  ],
  upstream_reset: [byConnection('upstream_reset')],
  upstream_error: [
    {
      setUp: { policies: [{ name: 'p', unusable: (ex) => ex.method === 'HEAD' }] },
      one: (rig) => asked(rig, { method: 'HEAD' }).connection?.answer(503),
    },
  ],
  bad_response: [byConnection('bad_response')],
  response_incomplete: [
    { one: (rig) => void answering(rig).connection?.fail({ reason: 'response_incomplete', phase: 'body' }) },
  ],
  internal: [
    byConnection('internal', { phase: 'send' }),
    { one: (rig) => void answering(rig).connection?.fail({ reason: 'internal', phase: 'body' }) },
    byBody(() => {
      throw new Error('a bug in a stage')
    }),
    {
      setUp: {
        policies: [
          {
            name: 'p',
            respond: (ex) => {
              if (ex.method === 'HEAD') throw new Error('a bug in a hook')
            },
          },
        ],
      },
      one: (rig) => void answering(rig, { method: 'HEAD' }),
    },
    // An answer with a field that cannot be sent.
    {
      setUp: {
        policies: [
          {
            name: 'p',
            respond: (ex) => void (ex.method === 'HEAD' && ex.response?.headers.push('x-bad', 'a\nb')),
          },
        ],
      },
      one: (rig) => void answering(rig, { method: 'HEAD' }),
    },
  ],
}

/** Why it cannot be provoked here. */
const NOT_PROVOKED: Partial<Record<Reason, string>> = {
  breaker_open: 'the breaker’s own answer: it takes one that is open, and what that lets through is tested with it',
  worker_lost: 'the worker that had the attempt is gone, and its verdict with it; the control plane counts the request',
}

const WINDOW = { window: '1h', halfOpen: { ramp: '0s' } }
const TIMES = 30
/** How what a way takes besides may end. */
const OTHERS: ReadonlySet<Reason> = new Set(['client_gone', 'breaker_open'])

async function provoke(rig: Judged, way: Way, reason: Reason, until: () => boolean): Promise<void> {
  await settled()
  for (let i = 0; i < TIMES && !until(); i++) {
    const from = rig.kit.finished.length
    await way.one(rig)
    await settled()
    const ends = rig.kit.finished.slice(from).map(({ failure }) => failure?.reason)
    expect(ends).toContain(reason)
    expect(ends.filter((end) => end !== undefined && end !== reason && !OTHERS.has(end))).toEqual([])
  }
}

test('every reason of the table is provoked, or said why not', () => {
  expect([...Object.keys(WAYS), ...Object.keys(NOT_PROVOKED)].toSorted()).toEqual(Object.keys(FAILURES).toSorted())
})

const CASES = Object.entries(WAYS).flatMap(([reason, ways]) =>
  ways.map((way, i) => [reason as Reason, i + 1, way] as const),
)

test.each(CASES)('%s, way %i: a closed breaker and the endpoints learn what the table says', async (reason, _, way) => {
  const { teaches } = FAILURES[reason]
  const rig = new Judged(way.setUp, WINDOW)
  await provoke(rig, way, reason, () => rig.breaker.length > 0)
  expect(rig.breaker).toEqual(teaches.breaker ? ['open'] : [])
  expect(rig.ejected.length > 0).toBe(teaches.outlier === 'judged')
})

const HALF_OPEN = CASES.filter(([, , way]) => way.closedOnly !== true)

test.each(HALF_OPEN)('%s, way %i: a half-open breaker does as well', async (reason, _, way) => {
  const { teaches } = FAILURES[reason]
  const rig = new Judged(way.setUp, WINDOW)
  rig.halfOpen()
  await provoke(rig, way, reason, () => rig.breaker.includes('open'))
  if (teaches.breaker) {
    expect(rig.breaker).toEqual(['half_open', 'open'])
    return
  }
  expect(rig.answered(200, 5)).toBe(5)
  expect(rig.breaker).toEqual(['half_open', 'closed'])
  expect(rig.ejected).toEqual([])
})
