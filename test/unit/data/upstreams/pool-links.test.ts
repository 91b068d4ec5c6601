import { beforeEach, expect, test } from 'vitest'
import type { HeldCell } from '../../../../src/cells/held.ts'
import { Pool, type PoolLimits, type Ticket } from '../../../../src/data/upstreams/pool.ts'
import type { LifeLimit } from '../../../../src/lib/lifetime.ts'
import { get, Recorder } from '../../../contract/transport/harness.ts'
import { TestCells } from '../../../kit/cells.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { type MemoryStream, MemoryTransport } from '../../../kit/memory-link.ts'

// The pool over links that take eight streams each.

let transport: MemoryTransport
let clock: ManualClock
let inFlight: HeldCell
let connections: HeldCell
let waiting: HeldCell
let retired: LifeLimit[]
let idleLimits: number[]

beforeEach(() => {
  const cells = new TestCells(1)
  clock = new ManualClock()
  transport = new MemoryTransport()
  retired = []
  idleLimits = []
  inFlight = cells.space.held(cells.held())
  connections = cells.space.held(cells.held())
  waiting = cells.space.held(cells.held())
})

function pool(limits: Partial<PoolLimits> = {}): Pool {
  return new Pool({
    transport,
    target: { address: '127.0.0.1', port: 1, tls: undefined },
    connection: { connectTimeoutMs: 1, keepAliveMs: 60_000 },
    limits: { max: 2, maxWaiting: 20, maxConcurrent: undefined, ...limits },
    inFlight,
    connections,
    waiting,
    clock,
    timers: {
      get coarseNow() {
        return clock.now()
      },
    },
    onIdleLimit: (ms) => void idleLimits.push(ms),
    onRetired: (limit) => void retired.push(limit),
  })
}

interface Started {
  readonly ticket: Ticket
  readonly seen: Recorder
}

function start(from: Pool, target: string): Started {
  const seen = new Recorder()
  return { ticket: from.start(get({ target }), seen), seen }
}

function startAll(from: Pool, count: number, first = 0): Started[] {
  return Array.from({ length: count }, (_, i) => start(from, `/${first + i}`))
}

function targets(index: number): string[] {
  return transport.link(index).streams.map(({ request }) => request.target)
}

function stream(target: string): MemoryStream {
  return transport.streams.find(({ request }) => request.target === target) as MemoryStream
}

/** Open links, requests that wait, requests in flight. */
function counts(of: Pool): number[] {
  expect([connections.sum(), waiting.sum()]).toEqual([of.open, of.waiting])
  return [of.open, of.waiting, inFlight.sum()]
}

test('eight requests share one link, while it is being opened and after; a second one is opened for the ninth', () => {
  const p = pool()
  startAll(p, 8)
  expect(transport.links.length).toBe(1)
  transport.link(0).connect()
  expect(counts(p)).toEqual([1, 0, 8])
  start(p, '/8')
  expect([transport.links.length, targets(1)]).toEqual([2, ['/8']])
  stream('/3').answer(200)
  start(p, '/9')
  // The link that got room last.
  expect([targets(0).includes('/9'), transport.links.length]).toEqual([true, 2])
})

test('requests beyond all links wait in order, and get places as they come free, on whichever link', () => {
  const p = pool()
  const all = startAll(p, 20)
  transport.link(0).connect()
  transport.link(1).connect()
  expect(counts(p)).toEqual([2, 4, 20])
  stream('/9').answer(200)
  stream('/2').answer(200)
  expect([targets(1).at(-1), targets(0).at(-1)]).toEqual(['/16', '/17'])
  all[18]?.ticket.abort()
  stream('/0').fail()
  expect([targets(0).at(-1), p.waiting]).toEqual(['/19', 0])
  while (transport.streams.length > 0) transport.streams[0]?.answer(200)
  expect(counts(p)).toEqual([2, 0, 0])
  expect(all.map(({ seen }) => seen.finals)).toEqual(all.map((_, i) => (i === 18 ? 0 : 1)))
})

test('a link that has less room than was assumed gives requests back: these wait in front, and other links are opened', () => {
  const p = pool({ max: 3 })
  const all = startAll(p, 6)
  transport.link(0).connect(2)
  // The second one may have room for all the rest.
  expect([transport.links.length, targets(0), targets(1)]).toEqual([2, ['/0', '/1'], ['/2', '/3', '/4', '/5']])
  transport.link(1).connect(2)
  transport.link(2).connect(1)
  expect([targets(1), targets(2), counts(p)]).toEqual([['/2', '/3'], ['/4'], [3, 1, 6]])
  start(p, '/6')
  stream('/0').answer(200)
  stream('/1').answer(200)
  expect([targets(0), counts(p)]).toEqual([
    ['/5', '/6'],
    [3, 0, 5],
  ])
  while (transport.streams.length > 0) transport.streams[0]?.answer(200)
  expect(all.map(({ seen }) => seen.names)).toEqual(all.map(() => ['onConnected', 'onHead', 'onEnd']))
})

test('the failure of a link that was being opened is that of all its requests, at once', () => {
  const p = pool({ max: 1 })
  const all = startAll(p, 10)
  transport.link(0).fail({ reason: 'connect_timeout' })
  expect(all.slice(0, 8).map(({ seen }) => seen.failure?.reason)).toEqual(Array(8).fill('connect_timeout'))
  expect([targets(1), counts(p)]).toEqual([
    ['/8', '/9'],
    [1, 0, 2],
  ])
})

test('go-away with three in flight: no new stream, the first ends, the others are refused, and the link closes', () => {
  const p = pool()
  const all = startAll(p, 3)
  transport.link(0).connect()
  transport.link(0).goAway(1)
  expect(all.map(({ seen }) => seen.failure?.refusedUnprocessed)).toEqual([undefined, 'goes_away', 'goes_away'])
  expect(counts(p)).toEqual([1, 0, 1])
  start(p, '/next')
  expect(targets(1)).toEqual(['/next'])
  stream('/0').answer(200, { body: 'whole' })
  expect([all[0]?.seen.body, all[0]?.seen.ended, transport.link(0).state]).toEqual(['whole', true, 'closed'])
  expect(counts(p)).toEqual([1, 0, 1])
})

test('a link that leaves counts until it has closed, and then its place goes to a waiter', () => {
  const p = pool({ max: 1 })
  start(p, '/0')
  transport.link(0).connect()
  transport.link(0).goAway(1)
  const late = start(p, '/late')
  expect([late.ticket.waiting, counts(p)]).toEqual([true, [1, 1, 2]])
  stream('/0').answer(200)
  expect([targets(1), counts(p)]).toEqual([['/late'], [1, 0, 1]])
})

test('one of two streams fails or is aborted: the other and the link go on, and the place is free at once', () => {
  const p = pool({ max: 1 })
  const [first, second, third] = startAll(p, 3) as [Started, Started, Started]
  transport.link(0).connect(3)
  const late = start(p, '/late')
  stream('/0').fail()
  expect([first.seen.failure?.reason, late.ticket.waiting]).toEqual(['upstream_reset', false])
  const later = start(p, '/later')
  second.ticket.abort()
  expect([second.seen.names, later.ticket.waiting, targets(0)]).toEqual([
    ['onConnected'],
    false,
    ['/2', '/late', '/later'],
  ])
  stream('/2').answer(200)
  expect([third.seen.ended, transport.link(0).state, counts(p)]).toEqual([true, 'open', [1, 0, 2]])
})

test('less room than streams under way: none is ended, and none is added until there is room again', () => {
  const p = pool({ max: 1 })
  startAll(p, 4)
  transport.link(0).connect()
  transport.link(0).resize(2)
  const late = start(p, '/late')
  stream('/0').answer(200)
  stream('/1').answer(200)
  expect(late.ticket.waiting).toBe(true)
  transport.link(0).resize(3)
  expect([late.ticket.waiting, targets(0)]).toEqual([false, ['/2', '/3', '/late']])
})

test('a limit of its life: no new stream, those under way end, it is told of once, and teaches no idle limit', () => {
  const p = pool()
  startAll(p, 2)
  transport.link(0).connect()
  transport.link(0).retire('maxRequests')
  start(p, '/next')
  expect([targets(1), retired]).toEqual([['/next'], []])
  stream('/0').answer(200)
  stream('/1').answer(200)
  expect([retired, transport.link(0).state, idleLimits, counts(p)]).toEqual([['maxRequests'], 'closed', [], [1, 0, 1]])
})

test('a link with streams is not idle: only the end of one without any teaches how long the peer keeps them', () => {
  const p = pool()
  for (let i = 0; i < 6; i++) {
    startAll(p, 2, 2 * i)
    const link = transport.links.at(-1)
    link?.connect()
    stream(`/${2 * i}`).answer(200)
    clock.advance(5_000)
    if (i < 5) stream(`/${2 * i + 1}`).answer(200)
    clock.advance(5_000)
    link?.fail()
  }
  expect(idleLimits).toEqual([5_000])
})

test('a link with room that fails with a stream under way was not idle', () => {
  const p = pool()
  for (let i = 0; i < 6; i++) {
    startAll(p, 2, 2 * i)
    const link = transport.links.at(-1)
    link?.connect()
    stream(`/${2 * i}`).answer(200)
    clock.advance(5_000)
    link?.fail()
    expect(counts(p)).toEqual([0, 0, 0])
  }
  expect(idleLimits).toEqual([])
})

test('close: idle links now, others after their last stream; what waits is still served', () => {
  const p = pool({ max: 2 })
  startAll(p, 9)
  transport.link(0).connect()
  transport.link(1).connect()
  stream('/8').answer(200)
  p.close()
  expect(transport.links.map(({ state }) => state)).toEqual(['open', 'closed'])
  for (let i = 0; i < 7; i++) stream(`/${i}`).answer(200)
  expect(transport.link(0).state).toBe('open')
  stream('/7').answer(200)
  expect([transport.link(0).state, counts(p)]).toEqual(['closed', [0, 0, 0]])
  const late = start(p, '/late')
  transport.link(2).connect()
  stream('/late').answer(200)
  expect([late.seen.ended, transport.link(2).state]).toEqual([true, 'closed'])
})

test('whatever happens in whatever order, what was taken is given back, in order', () => {
  const p = pool({ max: 3, maxWaiting: 6 })
  let tickets: Started[] = []
  let state = 11
  const below = (n: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * n)
  }
  const any = <T>(list: readonly T[]): T | undefined => list[below(Math.max(1, list.length))]
  for (let i = 0; i < 20_000; i++) {
    const links = transport.links.filter((link) => link.state !== 'closed')
    const link = any(links)
    const what = below(20)
    if (what < 8) tickets.push(start(p, `/${i}`))
    else if (what < 10) any(tickets)?.ticket.abort()
    else if (what < 14) any(transport.streams)?.answer(200)
    else if (what === 14) any(transport.streams)?.fail()
    else if (what < 17 && link !== undefined && !link.connected) link.connect(1 + below(8))
    else if (what === 17) link?.resize(1 + below(8))
    else if (what === 18 && below(4) === 0 && link?.state === 'open') link.goAway(below(4))
    else if (what === 19 && below(4) === 0) link?.fail()
    tickets = tickets.filter(({ ticket }) => ticket.held)
    const { length } = transport.streams
    expect(counts(p)).toEqual([
      transport.links.filter((each) => each.state !== 'closed').length,
      p.waiting,
      p.waiting + length,
    ])
    expect(tickets.length).toBe(p.waiting + length)
    expect(p.open).toBeLessThanOrEqual(3)
    // Nothing waits while there is room.
    if (p.waiting > 0) {
      expect(p.open).toBe(3)
      for (const each of transport.links)
        expect(each.state !== 'open' || each.streams.length >= each.capacity).toBe(true)
    }
  }
  for (const { ticket } of tickets) ticket.abort()
  expect([inFlight.sum(), waiting.sum()]).toEqual([0, 0])
  expect(transport.links.length).toBeGreaterThan(200)
})
