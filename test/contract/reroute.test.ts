import { beforeEach, describe, expect, test } from 'vitest'
import { language } from '../../src/config/language/language.ts'
import { loadConfig } from '../../src/config/load.ts'
import { loadDeps } from '../../src/config/load-deps.ts'
import type { Exchange } from '../../src/core/exchange.ts'
import { type AnyFeature, defineFeature, type PureFeature } from '../../src/core/feature.ts'
import type { Policy } from '../../src/core/policy.ts'
import { FEATURES } from '../../src/features/index.ts'
import { object, optional, required } from '../../src/schema/composites.ts'
import { duration, text } from '../../src/schema/scalars.ts'
import { decide } from '../../src/tools/explain/decision.ts'
import { Model } from '../../src/tools/explain/model.ts'
import { ConfiguredPlane } from '../kit/plane.ts'
import { ScriptedDownstream } from '../kit/scripted-downstream.ts'

/** What marks were told of, in order. */
const told: unknown[] = []
let plane: ConfiguredPlane

/** Sends requests on from its `admit`, by its name alone: the config does not see where. */
const sends = defineFeature({
  name: 'sends',
  doc: 'Sends requests on.',
  keys: {
    route: object({
      to: required(text(), 'Route.'),
      after: optional(duration(0, 10_000), 'Time.'),
      offered: optional(duration(0, 10_000), 'Time that a peer allows; it is asked behind the gate.'),
    }),
  },
  places: { send: { stage: 60, why: 'Behind the outer mark, in front of the inner one.' } },
  compile: ({ after, offered, to }, { clock, feature }) => ({
    send: {
      name: feature,
      behindGate: offered !== undefined,
      admit: (ex) => {
        if (offered !== undefined) ex.offeredMs = offered
        if (after === undefined) return { reroute: to }
        return new Promise((resolve) => void clock.after(after, () => resolve({ reroute: to })))
      },
    },
  }),
})

/** Refuses requests, and sends them on in the place of its refusal. */
const saves = defineFeature({
  name: 'saves',
  doc: 'Refuses requests.',
  keys: { route: text() },
  places: {
    save: { stage: 50, why: 'In front of what refuses.' },
    refuse: { stage: 74, why: 'Behind the offer of a protocol, and in front of other policies.' },
  },
  compile: (to, { feature }) => ({
    save: { name: feature, recover: () => ({ reroute: to }) },
    refuse: { name: feature, admit: () => ({ reason: 'overloaded' }) },
  }),
})

/** Remembers its label for each exchange, sees bodies, and tells what it was told at the end. */
function mark(name: string, stage: number): AnyFeature {
  return defineFeature({
    name,
    doc: 'Marks answers.',
    keys: { route: text() },
    places: { mark: { stage, why: 'Test.' } },
    compile: (label, { exchangeState, feature }) => {
      const own = exchangeState<string>()
      const here = (ex: Exchange): string => (own.of(ex) === label ? label : `${label} has lost its state`)
      const policy: Policy = {
        name: feature,
        admit: (ex) => void own.set(ex, label),
        requestBody: (ex) => ({
          changesLength: false,
          push: (chunk) => {
            told.push(`${here(ex)} ${chunk}`)
            return chunk
          },
          end: () => void told.push(`${here(ex)} whole`),
        }),
        respond: (ex) => void ex.response?.headers.push('x-mark', here(ex)),
        responseBody: (ex) => ({
          changesLength: true,
          push: (chunk) => chunk,
          end: () => Buffer.from(`<${here(ex)}>`),
        }),
        settle: (ex) => void told.push([here(ex), ex.route?.name, ex.finalStatus, ex.attempt?.upstream]),
      }
      return { mark: policy }
    },
  }) as AnyFeature
}

const LIST: readonly AnyFeature[] = [
  ...FEATURES,
  mark('outer', 50),
  sends as AnyFeature,
  saves as AnyFeature,
  mark('inner', 70),
]

const CONFIG = `
listeners: { web: { listen: 127.0.0.1:8080 } }
upstreams:
  a: { endpoints: [http://127.0.0.1:1] }
  b: { endpoints: [http://127.0.0.1:2] }
  c: { endpoints: [http://127.0.0.1:3] }
defaults: { route: { retries: off, buffering: off } }
routes:
  a: { match: { path: /a/* }, to: a, outer: a, inner: a2, fallback: { route: b, methods: [GET] } }
  post: { match: { path: /post }, to: a, outer: post, fallback: { route: b, methods: [POST], when: [connect, reset, timeout] } }
  plain: { match: { path: /plain }, to: a, fallback: { route: b, methods: [POST, GET], when: [connect, reset, timeout, 503] } }
  large: { match: { path: /large }, to: a, outer: large, buffering: { request: on }, fallback: { route: b, methods: [POST] } }
  b: { match: { path: /b }, to: b, outer: b, timeouts: { request: 2s } }
  c: { match: { path: /c }, to: c }
  sent: { match: { path: /sent/* }, outer: sent, inner: never, sends: { to: b }, respond: { status: 200 } }
  waits: { match: { path: /waits }, sends: { to: b, after: 500ms }, to: a, timeouts: { request: 1s } }
  late: { match: { path: /late }, sends: { to: c, offered: 1s }, to: a, buffering: { request: on } }
  round: { match: { path: /round }, outer: round, sends: { to: round }, to: a }
  saved: { match: { path: /saved }, saves: b, to: a }
  off: { match: { path: /off }, to: a, upgrades: off, fallback: { route: b } }
  ping: { match: { path: /ping }, sends: { to: pong }, to: a }
  pong: { match: { path: /pong }, sends: { to: ping }, to: a }
  nowhere: { match: { path: /nowhere }, sends: { to: gone }, to: a }
  hop: { match: { path: /hop }, to: a, fallback: { route: hop2 } }
  hop2: { match: { path: /hop2 }, outer: hop2, sends: { to: c }, to: b }
`

beforeEach(async () => {
  told.length = 0
  plane = await ConfiguredPlane.read(CONFIG, LIST)
})

function ask(target: string, method = 'GET', length = 0, headers: readonly string[] = []): ScriptedDownstream {
  const downstream = new ScriptedDownstream(method, target, headers, length)
  plane.engine.handle(downstream)
  return downstream
}

/** The attempt that waits for its answer. */
const running = () => plane.transport.running

function ended(): Exchange {
  expect(plane.bugs).toEqual([])
  expect(plane.engine.running).toBe(0)
  expect(plane.finished).toHaveLength(1)
  return plane.finished[0] as Exchange
}

describe('from admit', () => {
  test('the other route has its own policies and upstream; those before it stay around them', () => {
    const client = ask('/sent/1?x=%20')
    expect(running().request).toMatchObject({ target: '/sent/1?x=%20', authority: 'example.com' })
    running().connect()
    running().answer(200, ['content-length', '2'], 'hi')
    expect(client.got).toEqual([200, 'hi', '<b>', '<sent>', 'end'])
    expect(client.answer.join()).toContain('x-mark,b,x-mark,sent')
    expect(told).toEqual([
      ['b', 'b', 200, 'b'],
      ['sent', 'sent', 200, undefined],
    ])
    expect(ended()).toMatchObject({ rerouted: ['b'], attempts: 1, attempt: { upstream: 'b' }, route: { name: 'sent' } })
  })

  test('a body that nothing has read goes along, through the policies of both', () => {
    const client = ask('/sent/1', 'POST', -1)
    expect(client.body).toEqual([])
    running().connect()
    client.sends('one')
    client.ends()
    expect([running().sent, running().ended]).toEqual(['one', true])
    expect(told).toEqual(['sent one', 'b one', 'sent whole', 'b whole'])
    running().answer(204)
    ended()
  })

  test('what a peer allows does not count the time at the gate', () => {
    const client = ask('/late', 'POST', 4)
    client.sends('ab')
    plane.clock.advance(2_000)
    client.sends('cd')
    client.ends()
    expect(running().target.port).toBe(3)
    running().connect()
    plane.clock.advance(980)
    expect(client.status).toBeUndefined()
    plane.clock.advance(40)
    expect(client.status).toBe(504)
    expect(ended().failure?.reason).toBe('deadline_exceeded')
  })

  test('no time limit gets longer', async () => {
    const client = ask('/waits')
    plane.clock.advance(500)
    await Promise.resolve()
    await Promise.resolve()
    running().connect()
    plane.clock.advance(499)
    expect(client.status).toBeUndefined()
    plane.clock.advance(2)
    expect(client.status).toBe(504)
    expect(ended().failure).toMatchObject({ reason: 'deadline_exceeded' })
  })

  test('a client that leaves while the policy thinks is not sent on', async () => {
    ask('/waits').leaves()
    plane.clock.advance(500)
    await Promise.resolve()
    await Promise.resolve()
    expect(plane.transport.connections).toEqual([])
    expect(ended()).toMatchObject({ rerouted: undefined, failure: { reason: 'client_gone' } })
  })

  test.each(['/round', '/ping'])('a circle ends at once: %s', (target) => {
    const client = ask(target)
    expect([client.status, client.field('proxy-status')]).toEqual([502, expect.stringContaining('loop_detected')])
    expect(ended().failure).toMatchObject({ reason: 'loop_detected', origin: 'operator' })
  })

  test('a route that does not exist is a bug of the policy', () => {
    expect(ask('/nowhere').status).toBe(500)
    expect(plane.bugs).toEqual([new Error('a policy sends requests on to gone, which is no route')])
  })

  test('a client that leaves ends the attempt there; all is given back', () => {
    const client = ask('/sent/1')
    running().connect()
    client.leaves()
    expect(plane.transport.latest.aborted).toBe(true)
    expect(told.map((line) => (line as unknown[])[0])).toEqual(['b', 'sent'])
    expect(ended().failure).toMatchObject({ reason: 'client_gone' })
  })
})

describe('from recover', () => {
  const refuse = (): void => running().fail({ reason: 'connect_refused' })

  test('the answer is that of the other route, streamed and marked; what fails behind its head breaks it', () => {
    const client = ask('/a/1')
    refuse()
    running().connect()
    running().events.onHead(200, [])
    const piece = 'x'.repeat(1_000_000)
    for (let i = 0; i < 3; i++) running().events.onData(Buffer.from(piece))
    expect(client.got).toEqual([200, piece, piece, piece])
    expect(client.field('sluice-degraded')).toBe('connect_refused')
    running().fail({ reason: 'upstream_reset', responseStarted: true })
    expect(client.got.at(-1)).toBe('reset')
    expect(ended()).toMatchObject({ failure: { reason: 'response_incomplete' }, degraded: 'connect_refused' })
  })

  test.each([
    ['/plain', 'websocket'],
    ['/off', undefined],
    ['/saved', undefined],
  ])('a protocol is changed only if the route that failed let the whole request through: %s', (target, upgrade) => {
    class Asking extends ScriptedDownstream {
      override readonly upgrade = 'websocket'
    }
    const fields = ['Sec-WebSocket-Version', '13', 'Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ==']
    const client = new Asking('GET', target, fields)
    plane.engine.handle(client)
    if (target !== '/saved') refuse()
    expect(running().request?.upgrade).toBe(upgrade)
    client.leaves()
    expect(ended().rerouted).toEqual(['b'])
  })

  test('a client that is slow slows the other route’s upstream', () => {
    const client = ask('/a/1')
    refuse()
    running().connect()
    client.room = false
    running().events.onHead(200, [])
    running().events.onData(Buffer.from('x'))
    expect(running().paused).toBe(true)
    client.drains()
    expect(running().paused).toBe(false)
    running().finish()
    ended()
  })

  test('policies of both see the answer and the end, each with its own state and attempt', () => {
    const client = ask('/a/1')
    refuse()
    running().connect()
    running().answer(200, [], 'hi')
    expect(client.got).toEqual([200, 'hi', '<b>', '<a2>', '<a>', 'end'])
    expect(told).toEqual([
      ['b', 'b', 200, 'b'],
      ['a2', 'a', 200, 'a'],
      ['a', 'a', 200, 'a'],
    ])
    const { attempts, allAttempts, degraded, failure, notes } = ended()
    expect([attempts, degraded, failure?.reason]).toEqual([2, 'connect_refused', 'connect_refused'])
    expect(allAttempts.map(({ upstream }) => upstream)).toEqual(['a', 'b'])
    expect(notes?.kept).toContainEqual(expect.objectContaining({ kind: 'rerouted', from: 'a', to: 'b' }))
  })

  test.each([
    ['refuses', () => refuse()],
    ['answers 500', () => running().answer(500, [], 'theirs')],
  ])('where the other one %s, the first failure is the answer', (_how, fails) => {
    const client = ask('/a/1')
    refuse()
    running().connect()
    fails()
    expect([client.status, client.field('sluice-degraded')]).toEqual([502, undefined])
    expect(client.answer.join()).not.toContain('x-mark,b')
    expect(told.map((line) => (line as unknown[])[0])).toEqual(['b', 'a2', 'a'])
    expect(ended()).toMatchObject({ attempts: 2, failure: { reason: 'connect_refused' }, attempt: { upstream: 'a' } })
  })

  test('the route behind may send it on; then it has one second and no more', () => {
    const client = ask('/hop')
    plane.clock.advance(14_999)
    refuse()
    expect(running().target.port).toBe(3)
    running().connect()
    plane.clock.advance(999)
    expect(client.status).toBeUndefined()
    plane.clock.advance(2)
    expect(client.status).toBe(502)
    expect(ended().rerouted).toEqual(['hop2', 'c'])
  })

  test('a body that was kept is sent again, through the policies of the other route', () => {
    const client = ask('/post', 'POST', 6)
    running().connect()
    client.sends('abc')
    client.sends('def')
    client.ends()
    running().fail({ reason: 'upstream_reset' })
    running().connect()
    expect([running().sent, running().ended]).toEqual(['abcdef', true])
    expect(told).toEqual(['post abc', 'post def', 'post whole', 'b abc', 'b def', 'b whole'])
    running().answer(200)
    expect(client.status).toBe(200)
    ended()
  })

  test('so is one that is still on its way', () => {
    const client = ask('/post', 'POST', -1)
    running().connect()
    client.sends('abc')
    running().fail({ reason: 'upstream_reset' })
    running().connect()
    client.sends('def')
    client.ends()
    expect([running().sent, running().ended]).toEqual(['abcdef', true])
    expect(told.slice(-4)).toEqual(['post def', 'b def', 'post whole', 'b whole'])
    running().answer(200)
    ended()
  })

  test.each([-1, 65_537])(
    'so is one of length %i that is too large to be kept, as long as nothing has had any of it',
    (length) => {
      const client = ask('/large', 'POST', length)
      client.sends('x'.repeat(65_536))
      running().fail({ reason: 'connect_refused' })
      running().connect()
      client.sends('y')
      client.ends()
      expect([running().sent.length, running().ended]).toEqual([65_537, true])
      expect(told.map((what) => String(what).length)).toEqual([65_542, 65_538, 7, 3, 11, 7])
      running().answer(200)
      expect(client.status).toBe(200)
      expect(ended().rerouted).toEqual(['b'])
    },
  )

  test('one that was not kept is not: the failure is the answer', () => {
    const client = ask('/plain', 'POST', 100_000)
    running().connect()
    client.sends('x'.repeat(100_000))
    client.ends()
    running().fail({ reason: 'upstream_reset' })
    expect(client.status).toBe(502)
    expect(plane.transport.connections).toHaveLength(1)
    const { notes } = ended()
    expect(notes?.kept).toContainEqual(expect.objectContaining({ kind: 'rerouted', hindrance: 'body' }))
  })

  test.each(['/b', '/a/*'])('a change of either route ends it once drain.timeout has passed: %s', async (path) => {
    const client = ask('/a/1')
    refuse()
    running().connect()
    await plane.reload(CONFIG.replace(`path: ${path} `, 'path: /other '))
    plane.clock.advance(100)
    expect([client.status, plane.transport.latest.aborted]).toEqual([502, true])
    ended()
  })
})

test('explain follows policies that depend on the request alone', async () => {
  const pure: PureFeature<string> = {
    name: 'leads',
    doc: 'Sends requests on.',
    keys: { route: text() },
    places: { lead: { stage: 60, why: 'Test.' } },
    pure: true,
    compile: (to, { feature }) => ({ lead: { name: feature, admit: () => ({ reroute: to }) } }),
  }
  const own = language([...FEATURES, pure as AnyFeature])
  const yaml = `
listeners: { web: { listen: 127.0.0.1:8080 } }
upstreams: { a: { endpoints: [http://127.0.0.1:1] } }
routes:
  first: { match: { path: /first }, leads: second, securityHeaders: {}, to: a }
  second: { match: { path: /second }, redirect: { path: /there, status: 302 } }
  round: { match: { path: /round }, leads: round, to: a }
`
  const deps = { ...loadDeps({}, own), readFile: async () => Buffer.from(yaml) }
  const { config, diagnostics, tree } = await loadConfig('a.yaml', deps)
  expect(diagnostics).toEqual([])
  const model = new Model({ config, tree, language: own } as never)
  const decided = (url: string) => decide(model, { method: 'GET', url, headers: ['host', 'a'], from: '192.0.2.1' })
  expect(decided('/first')).toMatchObject({ route: { name: 'second' }, answer: { status: 302, reason: undefined } })
  expect(decided('/round')).toMatchObject({ answer: { status: 502, reason: 'loop_detected' } })
})

test('requests of another generation go on by the routes that they began with', async () => {
  const client = ask('/waits')
  await plane.reload(CONFIG.replace('outer: b,', 'outer: other,').replace('path: /waits', 'path: /waits'))
  plane.clock.advance(500)
  await Promise.resolve()
  await Promise.resolve()
  expect(client.answer.join()).not.toContain('other')
})
