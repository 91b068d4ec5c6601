import { duplexPair } from 'node:stream'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Exchange } from '../../src/core/exchange.ts'
import { type AnyFeature, defineFeature } from '../../src/core/feature.ts'
import type { Policy } from '../../src/core/policy.ts'
import type { CallRequest, Services, Side } from '../../src/core/services.ts'
import type { Source } from '../../src/core/source.ts'
import type { Reply } from '../../src/core/verdict.ts'
import { FEATURES } from '../../src/features/index.ts'
import { seededRandom } from '../../src/lib/random.ts'
import { ConfiguredPlane } from '../kit/plane.ts'
import { ScriptedDownstream } from '../kit/scripted-downstream.ts'
import { ScriptedSource } from '../kit/scripted-source.ts'
import type { ScriptedConnection } from '../kit/scripted-transport.ts'

let plane: ConfiguredPlane
let services: Services
/** The request of a client that was let in last. */
let parent: Exchange
/** What the policies behind the asker were asked, in order. */
const asked: string[] = []

/** Lends its services to the test. */
const toy = defineFeature({
  name: 'toy',
  doc: 'Lends its services.',
  keys: {},
  places: { ask: { stage: 80, why: 'Behind what shapes requests.' } },
  compile: (_, context) => {
    services = context.services
    const ask: Policy = {
      name: 'toy',
      admit: (ex) => {
        if (ex.kind === 'request') parent = ex
        return undefined
      },
    }
    return { ask }
  },
})

const behind = defineFeature({
  name: 'behind',
  doc: 'Tells that it was asked.',
  keys: {},
  places: { tell: { stage: 90, why: 'Behind the toy.' } },
  compile: () => ({
    tell: { name: 'behind', admit: (ex) => void asked.push(`${ex.kind} ${ex.countedAs}`) },
  }),
})

const LIST = [...FEATURES, toy, behind] as readonly AnyFeature[]
const CONFIG = `
listeners: { web: { listen: 127.0.0.1:8080 } }
upstreams:
  app: { endpoints: [http://127.0.0.1:1] }
  auth: { endpoints: [http://127.0.0.1:2, http://127.0.0.1:3], bulkhead: { maxConcurrent: 4 } }
defaults: { route: { retries: off } }
routes:
  app: { match: { path: /app/* }, to: app, timeouts: { request: 2s }, buffering: off }
  auth: { match: { path: /auth }, to: auth }
`

beforeEach(async () => {
  asked.length = 0
  plane = await ConfiguredPlane.read(CONFIG, LIST)
})

const HEAD = { method: 'POST', target: '/check?a=1', headers: ['x-a', '1', 'connection', 'x-hop', 'x-hop', '2'] }
const CALL: CallRequest = { upstream: 'auth', head: HEAD, deadlineMs: 500, maxBody: 1_000, teaches: true }

const call = (over: Partial<CallRequest> = {}): Side<Reply> => services.call({ ...CALL, ...over })
const running = () => plane.transport.running
const latest = () => plane.transport.latest

/** What the attempt that waits is answered. */
function answers(status: number): void {
  running().connect()
  running().answer(status)
}

/** The attempt that waits has a head. */
function head() {
  const connection = running()
  connection.connect()
  connection.events.onHead(200, [])
  return connection
}

/** A request of a client, which waits for its upstream. */
function request(target = '/app/1', method = 'GET', length = 0): ScriptedDownstream {
  const client = new ScriptedDownstream(method, target, ['x-correlation-id', 'c-1'], length)
  plane.engine.handle(client)
  return client
}

/** undefined: not yet. */
async function resultOf<A>(side: { readonly result: Promise<A> }): Promise<A | undefined> {
  return Promise.race([side.result, new Promise<undefined>((resolve) => setImmediate(resolve, undefined))])
}

/** Nothing is held, nothing runs. */
function isIdle(): void {
  expect(plane.bugs).toEqual([])
  expect(plane.engine.running).toBe(0)
  plane.clock.advance(1_500)
}

describe('call', () => {
  test('sends what it was given, and gives what came', async () => {
    const side = call({ body: Buffer.from('q') })
    running().connect()
    expect(running().request).toMatchObject({
      method: 'POST',
      target: '/check?a=1',
      authority: expect.stringMatching(/^127.0.0.1:[23]$/),
    })
    expect(running().request?.headers.slice(0, 2)).toEqual(['x-a', '1'])
    expect(running().request?.headers).not.toContain('x-hop')
    expect(running().sent).toBe('q')
    running().answer(403, ['x-why', 'no', 'x-correlation-id', 'theirs', 'sluice-degraded', 'x'], 'body')
    expect(await side.result).toEqual({ status: 403, headers: ['x-why', 'no'], body: Buffer.from('body') })
    expect(plane.sides).toMatchObject([{ feature: 'toy', kind: 'call', to: 'auth', reason: undefined }])
    isIdle()
  })

  test('belongs to its parent: correlation, client, story', async () => {
    const client = request()
    const app = running()
    const side = call({ parent })
    latest().connect()
    expect(latest().request?.headers.join()).toContain('x-correlation-id,c-1')
    latest().answer(204)
    await side.result
    app.connect()
    app.answer(200)
    expect(client.status).toBe(200)
    const [own] = plane.sides
    expect(own?.ex).toMatchObject({ parentId: parent.requestId, correlationId: 'c-1', client: parent.client })
    expect(own?.ex?.requestId).not.toBe(parent.requestId)
    expect(plane.finished[0]?.notes?.kept).toMatchObject([
      { kind: 'called', feature: 'toy', what: 'call', to: 'auth', status: 204, reason: undefined },
    ])
    isIdle()
  })

  describe('cancel', () => {
    const cases: readonly (readonly [string, () => void])[] = [
      ['before there is a connection', () => {}],
      ['while the body is sent', () => running().connect()],
      ['behind the head', () => head()],
      ['within the body', () => head().events.onData(Buffer.from('a'))],
    ]

    test.each(cases)('%s', async (_when, until) => {
      const side = call({ body: Buffer.from('q') })
      until()
      side.cancel()
      side.cancel()
      expect(await resultOf(side)).toMatchObject({ reason: 'client_gone' })
      expect(latest().aborted).toBe(true)
      isIdle()
    })

    test('in the queue for a connection', async () => {
      await plane.reload(
        CONFIG.replace('maxConcurrent: 4', 'maxConcurrent: 9').replace(':3], b', ':3], connections: { max: 1 }, b'),
      )
      const first = call()
      const second = call()
      const third = call()
      const { length } = plane.transport.connections
      third.cancel()
      expect(await resultOf(third)).toMatchObject({ reason: 'client_gone' })
      expect(plane.transport.connections).toHaveLength(length)
      for (const side of [first, second]) side.cancel()
      isIdle()
    })

    test('behind its end does nothing', async () => {
      const side = call()
      running().connect()
      running().answer(200)
      side.cancel()
      expect(await side.result).toMatchObject({ status: 200 })
      isIdle()
    })
  })

  describe('its parent', () => {
    test.each([
      ['leaves', (client: ScriptedDownstream) => client.leaves()],
      ['has its answer', () => answers(200)],
      ['is cut', () => plane.engine.cut({ reason: 'draining', phase: 'request', origin: 'operator' })],
    ])('%s: the call ends', async (how, ends) => {
      const client = request()
      const side = call({ parent })
      const own = latest()
      ends(client)
      expect(await resultOf(side)).toMatchObject({ reason: how === 'is cut' ? expect.anything() : 'client_gone' })
      expect(own.aborted).toBe(true)
      isIdle()
    })

    test('leaves: a call that is detached goes on, with time of its own', async () => {
      const client = request()
      plane.clock.advance(1_900)
      const side = call({ parent, detached: true })
      const own = latest()
      client.leaves()
      plane.clock.advance(400)
      own.connect()
      own.answer(200)
      expect(await side.result).toMatchObject({ status: 200 })
      isIdle()
    })

    test('has less time left: so has the call', async () => {
      request()
      plane.clock.advance(1_900)
      const side = call({ parent })
      latest().connect()
      plane.clock.advance(150)
      expect(await resultOf(side)).toMatchObject({ reason: expect.stringMatching(/deadline_exceeded|client_gone/) })
      isIdle()
    })

    test('has ended: there is no call', async () => {
      request().leaves()
      const { length } = plane.transport.connections
      expect(await call({ parent }).result).toMatchObject({ reason: 'client_gone' })
      expect(plane.transport.connections).toHaveLength(length)
      isIdle()
    })
  })

  test('ends at its deadline: no head, and a body that does not end', async () => {
    const silent = call()
    running().connect()
    plane.clock.advance(510)
    expect(await resultOf(silent)).toMatchObject({ reason: 'deadline_exceeded' })
    const slow = call()
    running().connect()
    running().events.onHead(200, [])
    plane.clock.advance(510)
    expect(await resultOf(slow)).toMatchObject({ reason: 'total_exceeded' })
    isIdle()
  })

  test('fails where the upstream dies within its answer, or sends more than maxBody', async () => {
    const died = call()
    running().connect()
    running().events.onHead(200, [])
    running().fail({ reason: 'upstream_reset', responseStarted: true })
    expect(await resultOf(died)).toMatchObject({ reason: 'response_incomplete', origin: 'upstream' })
    const large = call({ maxBody: 3 })
    running().connect()
    running().answer(200, [], 'four')
    expect(await resultOf(large)).toMatchObject({
      reason: 'response_incomplete',
      detail: expect.stringContaining('3 bytes'),
    })
    isIdle()
  })

  test('another endpoint gets what none was sent of; what was sent is not repeated', async () => {
    const side = call({ body: Buffer.from('q') })
    const { port } = running().target
    running().fail({ reason: 'connect_refused' })
    plane.clock.advance(20)
    running().connect()
    expect([running().target.port, running().sent]).toEqual([5 - port, 'q'])
    running().fail({ reason: 'upstream_reset' })
    expect(await resultOf(side)).toMatchObject({ reason: 'upstream_reset' })
    isIdle()
  })

  test('an upstream that is gone, not there or full is a failure', async () => {
    expect(await call({ upstream: 'nowhere' }).result).toMatchObject({ reason: 'no_endpoint' })
    const four = [call(), call(), call(), call()]
    expect(await resultOf(call())).toMatchObject({ reason: 'bulkhead_full' })
    for (const side of four) side.cancel()
    isIdle()
  })

  test('is bounded in number', async () => {
    const many = Array.from({ length: 300 }, () => call({ upstream: 'app' }))
    const results = await Promise.all(many.map(resultOf))
    expect(results.filter((result) => (result as { detail?: string })?.detail?.includes('too many'))).toHaveLength(44)
    for (const side of many) side.cancel()
    isIdle()
  })

  test('a drain waits for it, and cuts it', async () => {
    let idle = 0
    const side = call()
    plane.engine.whenIdle(() => idle++)
    expect(idle).toBe(0)
    running().connect()
    running().answer(200)
    expect([await side.result, idle]).toMatchObject([{ status: 200 }, 1])
    const other = call()
    plane.engine.close({ reason: 'draining', phase: 'request', origin: 'operator' })
    expect(await resultOf(other)).toMatchObject({ reason: 'draining' })
    isIdle()
  })

  test('a thread that ends fails it', async () => {
    const side = call()
    running().connect()
    running().events.onHead(200, [])
    plane.engine.crash({ reason: 'worker_lost', phase: 'body', origin: 'sluice' })
    expect(await resultOf(side)).toMatchObject({ reason: 'worker_lost' })
  })

  test('a request of an old generation still calls an upstream that is gone since', async () => {
    const client = request()
    const app = running()
    const gone = CONFIG.replace(/ {2}auth:.*\n/g, '')
    await plane.reload(gone)
    const side = call({ parent })
    latest().connect()
    latest().answer(200)
    expect(await resultOf(side)).toMatchObject({ status: 200 })
    app.connect()
    app.answer(200)
    expect(client.status).toBe(200)
    expect(await call().result).toMatchObject({ reason: 'no_endpoint' })
    isIdle()
  })

  test('goes on over a reload', async () => {
    const side = call()
    running().connect()
    await plane.reload(CONFIG.replace('retries: off', 'retries: off, streams: off'))
    running().answer(200, [], 'a')
    expect(await side.result).toMatchObject({ status: 200 })
    isIdle()
  })
})

describe('what calls teach', () => {
  async function fails(teaches: boolean, count = 40): Promise<(string | undefined)[]> {
    const reasons: (string | undefined)[] = []
    for (let i = 0; i < count; i++) {
      const side = call({ teaches })
      if (plane.transport.connections.some(({ busy }) => busy)) {
        running().connect()
        running().answer(503)
      }
      const result = (await side.result) as { reason?: string; status?: number }
      reasons.push(result.reason ?? String(result.status))
    }
    return reasons
  }

  test('a breaker of their own opens, tells it, and never touches that of the route', async () => {
    const reasons = await fails(true)
    expect(reasons.slice(0, 20)).toEqual(Array(20).fill('503'))
    expect(reasons.slice(20)).toEqual(Array(20).fill('breaker_open'))
    expect(plane.notices).toContainEqual(
      expect.objectContaining({
        event: 'calls_refused',
        facts: expect.objectContaining({ caller: 'toy', upstream: 'auth' }),
      }),
    )
    expect(plane.notices).toContainEqual(expect.objectContaining({ kind: 'state', feature: 'outlierDetection' }))
    request('/auth')
    running().connect()
    running().answer(200)
    expect(plane.finished.at(-1)?.failure).toBeUndefined()
    const untaught = call({ teaches: false })
    answers(200)
    expect(await untaught.result).toMatchObject({ status: 200 })
    isIdle()
  })

  test('those that do not teach are never refused, and eject no endpoint', async () => {
    expect(await fails(false)).toEqual(Array(40).fill('503'))
    expect(plane.notices).toEqual([])
    isIdle()
  })

  test('cancelled ones count for nothing', async () => {
    for (let i = 0; i < 40; i++) {
      const side = call()
      running().connect()
      side.cancel()
      expect(await side.result).toMatchObject({ reason: 'client_gone' })
    }
    const side = call()
    running().connect()
    running().answer(200)
    expect(await side.result).toMatchObject({ status: 200 })
    isIdle()
  })
})

describe('stream', () => {
  interface Got {
    readonly pieces: (string | object)[]
    readonly source: Source
  }

  function stream(body?: Source, over: object = {}): Side<Reply> {
    return services.stream({
      upstream: 'auth',
      head: HEAD,
      deadlineMs: 500,
      teaches: true,
      ...(body && { body }),
      ...over,
    })
  }

  function taken({ body }: Reply): Got {
    const source = body as Source
    const pieces: (string | object)[] = []
    source.start({
      data: (chunk) => void pieces.push(String(chunk)),
      end: () => void pieces.push('end'),
      fail: (why) => void pieces.push(why),
    })
    return { pieces, source }
  }

  test('passes both bodies on as they come, with backpressure on both sides', async () => {
    const body = new ScriptedSource()
    const side = stream(body)
    expect(body.started).toBe(false)
    running().connect()
    running().room = false
    body.data('one')
    expect([running().sent, body.paused]).toEqual(['one', true])
    running().room = true
    running().events.onDrain()
    expect(body.paused).toBe(false)
    body.data('two')
    body.end()
    expect([running().sent, running().ended]).toEqual(['onetwo', true])
    running().events.onHead(200, ['content-length', '4', 'x-a', 'b'])
    const reply = (await side.result) as Reply
    expect([reply.status, reply.headers, (reply.body as Source).length]).toEqual([200, ['x-a', 'b'], 4])
    running().events.onData(Buffer.from('a'))
    expect(running().paused).toBe(true)
    const { pieces, source } = taken(reply)
    expect([pieces, running().paused]).toEqual([['a'], false])
    source.pause()
    running().events.onData(Buffer.from('b'))
    expect(running().paused).toBe(true)
    source.resume()
    expect(running().paused).toBe(false)
    running().events.onData(Buffer.from('cd'))
    running().finish()
    expect(pieces).toEqual(['a', 'b', 'cd', 'end'])
    isIdle()
  })

  test('may send more than is kept of any answer', async () => {
    const side = stream()
    running().connect()
    running().events.onHead(200, [])
    const { pieces } = taken((await side.result) as Reply)
    const piece = 'x'.repeat(1_000_000)
    for (let i = 0; i < 5; i++) running().events.onData(Buffer.from(piece))
    running().finish()
    expect(pieces).toEqual([piece, piece, piece, piece, piece, 'end'])
    isIdle()
  })

  test('an upstream that dies within its answer breaks the body', async () => {
    const side = stream()
    running().connect()
    running().events.onHead(200, [])
    const { pieces } = taken((await side.result) as Reply)
    running().fail({ reason: 'upstream_reset', responseStarted: true })
    expect(pieces).toEqual([expect.objectContaining({ reason: 'response_incomplete' })])
    isIdle()
  })

  test.each(['data', 'end', 'fail'] as const)('what a reader throws at %s ends its request alone', async (at) => {
    const side = stream()
    running().connect()
    running().events.onHead(200, [])
    const thrown = new Error(`at ${at}`)
    const nothing = (): void => {}
    const reader = { data: nothing, end: nothing, fail: nothing }
    const throws = (): never => {
      throw thrown
    }
    const { body } = (await side.result) as Reply
    ;(body as Source).start({ ...reader, [at]: throws })
    running().events.onData(Buffer.from('a'))
    if (at === 'end') running().finish()
    else if (at === 'fail') running().fail({ reason: 'upstream_reset', responseStarted: true })
    expect(plane.bugs.splice(0)).toEqual([thrown])
    isIdle()
  })

  test.each([
    ['the call', (side: Side<Reply>) => side.cancel()],
    ['the body', (_side: Side<Reply>, { source }: Got) => source.cancel()],
  ])('cancelling %s ends both sides', async (_what, cancel) => {
    const body = new ScriptedSource()
    const side = stream(body)
    running().connect()
    running().events.onHead(200, [])
    const got = taken((await side.result) as Reply)
    cancel(side, got)
    expect([running() as unknown, latest().aborted, body.cancelled]).toEqual([undefined, true, 1])
    isIdle()
  })

  test.each([
    [
      'fails',
      (body: ScriptedSource) => body.fail({ reason: 'client_gone', phase: 'send', origin: 'client' }),
      'client_gone',
    ],
    ['gives more than its length', (body: ScriptedSource) => body.data('abcd'), 'internal'],
    ['gives less than its length', (body: ScriptedSource) => body.end(), 'internal'],
  ])('a body that %s fails it, and the upstream sees that', async (_how, breaks, reason) => {
    const body = new ScriptedSource(3)
    const side = stream(body)
    running().connect()
    breaks(body)
    expect(await resultOf(side)).toMatchObject({ reason })
    expect(latest().aborted).toBe(true)
    expect(plane.engine.running).toBe(0)
  })

  test('a body that never begins to be read is cancelled where there is no upstream', async () => {
    const body = new ScriptedSource()
    expect(await stream(body, { upstream: 'nowhere' }).result).toMatchObject({ reason: 'no_endpoint' })
    expect(body.cancelled).toBe(1)
  })

  test('silence ends it: of the body, before the head, within the answer, and of who reads it', async () => {
    const still = stream(new ScriptedSource())
    running().connect()
    plane.clock.advance(520)
    expect(await resultOf(still)).toMatchObject({ reason: 'request_timeout' })
    const mute = stream()
    running().connect()
    plane.clock.advance(520)
    expect(await resultOf(mute)).toMatchObject({ reason: 'deadline_exceeded' })
    const silent = stream()
    running().connect()
    running().events.onHead(200, [])
    const { pieces } = taken((await silent.result) as Reply)
    plane.clock.advance(520)
    expect(pieces).toEqual([expect.objectContaining({ reason: 'idle_timeout' })])
    const unread = stream()
    running().connect()
    running().events.onHead(200, [])
    const { body } = (await unread.result) as Reply
    running().events.onData(Buffer.from('a'))
    plane.clock.advance(520)
    expect([plane.engine.running, latest().aborted]).toEqual([0, true])
    ;(body as Source).cancel()
    isIdle()
  })

  test('an answer without a body has an empty one', async () => {
    const side = stream(undefined, { head: { ...HEAD, method: 'HEAD' } })
    running().connect()
    running().answer(200, ['content-length', '4'])
    const reply = (await side.result) as Reply
    expect([(reply.body as Source).length, taken(reply).pieces]).toEqual([0, ['end']])
    isIdle()
  })
})

describe('fork', () => {
  test('asks the policies behind the one that forks, with what the request is now; its client is not', async () => {
    const client = request('/app/1?q=1')
    const app = running()
    services.forwardHeaders(parent).push('x-changed', '1')
    expect(asked).toEqual(['request app'])
    const side = services.fork(parent, { behind: 'ask', maxBody: 100 })
    expect(asked).toEqual(['request app', 'side undefined'])
    expect(latest().request).toMatchObject({ method: 'GET', target: '/app/1?q=1' })
    expect(latest().request?.headers.join()).toContain('x-changed,1')
    client.leaves()
    app.connect()
    latest().connect()
    latest().answer(200, ['etag', '"a"'], 'fresh')
    expect(await side.result).toEqual({ status: 200, headers: ['etag', '"a"'], body: Buffer.from('fresh') })
    expect(plane.finished).toHaveLength(1)
    expect(plane.sides).toMatchObject([{ feature: 'toy', kind: 'fork', to: 'app', reason: undefined }])
    isIdle()
  })

  test('may send other fields than the request', async () => {
    request().leaves()
    const side = services.fork(parent, { behind: 'ask', maxBody: 100, headers: ['accept', 'text/html', 'host', 'x'] })
    expect(latest().request?.headers.slice(0, 2)).toEqual(['accept', 'text/html'])
    side.cancel()
    expect(await side.result).toMatchObject({ reason: 'client_gone' })
    isIdle()
  })

  test('announces no trailers: it goes up without the body that they would follow', async () => {
    const fields = ['trailer', 'x-checksum', 'te', 'trailers', 'connection', 'te', 'x-correlation-id', 'c-1']
    plane.engine.handle(new ScriptedDownstream('POST', '/app/1', fields, -1))
    const app = running()
    app.connect()
    expect([app.request?.contentLength, app.request?.headers.join()]).toEqual([
      -1,
      expect.stringMatching(/trailer,x-checksum/),
    ])
    for (const headers of [undefined, [...fields]]) {
      const side = services.fork(parent, { behind: 'ask', maxBody: 100, ...(headers && { headers }) })
      latest().connect()
      const { contentLength, headers: sent = [] } = latest().request ?? {}
      expect([contentLength, sent.filter((name, i) => i % 2 === 0 && /^(trailer|te)$/i.test(name))]).toEqual([0, []])
      latest().answer(200)
      expect(await side.result).toMatchObject({ status: 200 })
    }
    app.answer(200)
    isIdle()
  })

  test('after its request has ended and its route is another one now, it is what it was', async () => {
    request().leaves()
    await plane.reload(CONFIG.replace('request: 2s', 'request: 3s'))
    const side = services.fork(parent, { behind: 'ask', maxBody: 100 })
    latest().connect()
    plane.clock.advance(2_010)
    expect(await resultOf(side)).toMatchObject({ reason: 'deadline_exceeded' })
    isIdle()
  })

  test('has the limits of its route, and its failures are values', async () => {
    request().leaves()
    const side = services.fork(parent, { behind: 'ask', maxBody: 100 })
    latest().connect()
    plane.clock.advance(2_010)
    expect(await resultOf(side)).toMatchObject({ reason: 'deadline_exceeded' })
    isIdle()
  })

  test('behind a place that its feature does not have there is a bug', async () => {
    request().leaves()
    expect(await services.fork(parent, { behind: 'tell', maxBody: 1 }).result).toMatchObject({
      reason: 'internal',
    })
    expect(plane.bugs).toHaveLength(1)
  })
})

describe('connect', () => {
  /** A client's request that is a tunnel of some protocol. */
  function tunnel(target = '/app/1'): ScriptedDownstream {
    const client = request(target)
    parent.upgrade = 'echo'
    asked.length = 0
    return client
  }

  test('asks for the upgrade again, behind its place, and gives the connection away', async () => {
    const client = tunnel()
    const app = running()
    const side = services.connect(parent, { behind: 'ask', last: '' })
    expect(asked).toEqual(['side undefined'])
    expect(latest().request).toMatchObject({ method: 'GET', target: '/app/1', upgrade: 'echo' })
    const [socket] = duplexPair()
    latest().connect()
    latest().upgrade(['upgrade', 'echo', 'x-a', '1'], socket)
    const endpoint = 'http://127.0.0.1:1'
    expect(await side.result).toEqual({
      status: 101,
      headers: ['upgrade', 'echo', 'x-a', '1'],
      body: undefined,
      endpoint,
      socket,
    })
    expect(plane.sides).toMatchObject([{ feature: 'toy', kind: 'connect', to: 'app', reason: undefined }])
    expect(plane.sides[0]?.ex?.allAttempts).toMatchObject([{ status: 101, end: 'complete' }])
    side.cancel()
    app.connect()
    app.answer(200)
    expect(client.status).toBe(200)
    expect(socket.destroyed).toBe(false)
    socket.destroy()
    isIdle()
  })

  test('an answer that refuses is an answer; its text is not read to its end', async () => {
    tunnel()
    const app = running()
    for (const body of ['', 'no', 'x'.repeat(70_000)]) {
      const side = services.connect(parent, { behind: 'ask', last: '' })
      latest().connect()
      latest().answer(403, ['x-why', 'no'], body)
      expect(await side.result).toMatchObject({ status: 403, headers: ['x-why', 'no'], socket: undefined })
    }
    app.connect()
    app.answer(200)
    isIdle()
  })

  test('ends with its parent; what comes later is closed', async () => {
    const client = tunnel()
    const side = services.connect(parent, { behind: 'ask', last: '' })
    latest().connect()
    client.leaves()
    expect(await resultOf(side)).toMatchObject({ reason: 'client_gone' })
    expect(latest().aborted).toBe(true)
    const late = services.connect(parent, { behind: 'ask', last: '' })
    expect(await late.result).toMatchObject({ reason: 'client_gone' })
    isIdle()
  })

  test('has the limits of its route, and its failures are values', async () => {
    tunnel()
    const app = running()
    app.connect()
    plane.clock.advance(1_000)
    const side = services.connect(parent, { behind: 'ask', last: '' })
    app.answer(200)
    expect(await side.result).toMatchObject({ reason: 'client_gone' })
    isIdle()
  })

  test.each([2, 3])('the endpoint that is to come last does: %i', async (port) => {
    tunnel('/auth')
    const first = running()
    for (let i = 0; i < 6; i++) {
      const side = services.connect(parent, { behind: 'ask', last: `http://127.0.0.1:${port}` })
      expect(latest().target.port).toBe(port === 2 ? 3 : 2)
      side.cancel()
      await side.result
    }
    first.connect()
    first.answer(200)
    isIdle()
  })

  test('where there is no other endpoint, that one is asked', async () => {
    tunnel()
    const side = services.connect(parent, { behind: 'ask', last: 'http://127.0.0.1:1' })
    expect(latest().target.port).toBe(1)
    running().connect()
    running().answer(200)
    side.cancel()
    await side.result
    isIdle()
  })
})

test.each(Array.from({ length: 60 }, (_, seed) => seed))(
  'whatever happens, all ends and is given back: %i',
  async (seed) => {
    const mixed =
      'timeouts: { request: 2s }, bulkhead: { maxConcurrent: 3 }, fallback: { route: auth, methods: [GET, POST] }'
    plane = await ConfiguredPlane.read(CONFIG.replace('timeouts: { request: 2s }', mixed), LIST)
    const random = seededRandom(seed)
    const clients: ScriptedDownstream[] = []
    const sides: Side<Reply>[] = []
    /** How far the attempts on connections are. */
    const connected = new Map<ScriptedConnection, object | undefined>()
    const headed = new Map<ScriptedConnection, object | undefined>()
    const one = <T>(of: readonly T[]): T | undefined => of[Math.floor(random.float() * of.length)]
    const busy = () => one(plane.transport.connections.filter((connection) => connection.busy))
    const connects = (connection: ScriptedConnection | undefined) => {
      if (connection === undefined) return undefined
      if (connected.get(connection) !== connection.request) connection.connect()
      connected.set(connection, connection.request)
      return connection
    }
    const answer = (body: string | undefined): void => {
      const connection = connects(busy())
      const { request: current } = connection ?? {}
      if (connection === undefined) return
      if (headed.get(connection) !== current) connection.events.onHead(one([200, 204, 500, 503]) ?? 200, [])
      headed.set(connection, current)
      if (connection.request !== current || !connection.busy || connection.aborted) return
      connection.events.onData(Buffer.from('x'.repeat(one([1, 100]) ?? 1)))
      if (body === undefined && connection.request === current && connection.busy) connection.finish()
    }
    const belongs = () =>
      random.float() < 0.5 || parent === undefined ? {} : { parent, detached: random.float() < 0.3 }
    const steps: readonly (() => void)[] = [
      () => void clients.push(request('/app/1', one(['GET', 'POST']), one([0, 10, -1]))),
      () => void sides.push(call({ ...belongs(), teaches: random.float() < 0.5, body: Buffer.from('q') })),
      () => void sides.push(services.stream({ ...CALL, ...belongs(), body: new ScriptedSource() })),
      () => parent && void sides.push(services.fork(parent, { behind: 'ask', maxBody: 10 })),
      () => one(clients)?.leaves(),
      () => one(clients.filter(({ body, gone }) => !gone && body.includes('start')))?.sends('a'),
      () => one(sides)?.cancel(),
      () => connects(busy()),
      () => busy()?.fail({ reason: one(['connect_refused', 'upstream_reset']) ?? 'upstream_reset' }),
      () => answer(undefined),
      () => answer('more'),
      () => plane.clock.advance(random.float() * 300),
    ]
    for (let i = 0; i < 200; i++) one(steps)?.()
    for (const client of clients) client.leaves()
    for (const side of sides) side.cancel()
    const results = await Promise.all(sides.map(resultOf))
    expect(results).not.toContain(undefined)
    isIdle()
    plane.clock.advance(60_000)
    const permits = Array.from({ length: 4 }, () => call({ teaches: false }))
    expect(await Promise.all(permits.map(resultOf))).toEqual([undefined, undefined, undefined, undefined])
    for (const side of permits) side.cancel()
    isIdle()
  },
)
