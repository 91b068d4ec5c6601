import { beforeEach, expect, test } from 'vitest'
import type { HeldCell } from '../../../../src/cells/held.ts'
import { Pool, type PoolLimits, type Ticket } from '../../../../src/data/upstreams/pool.ts'
import { systemClock } from '../../../../src/lib/clock.ts'
import type { LifeLimit } from '../../../../src/lib/lifetime.ts'
import { get, Recorder } from '../../../contract/transport/harness.ts'
import { TestCells } from '../../../kit/cells.ts'
import { type HandConnection, HandTransport } from '../../../kit/transport.ts'

let transport: HandTransport
let inFlight: HeldCell
let connections: HeldCell
let waiting: HeldCell
let retired: LifeLimit[]
let idleLimits: number[]
/** The same count as another worker has it. */
let elsewhere: HeldCell

beforeEach(() => {
  const cells = new TestCells(2)
  const ref = cells.held()
  transport = new HandTransport()
  retired = []
  idleLimits = []
  inFlight = cells.space.held(ref)
  elsewhere = (cells.spaces[1] as typeof cells.space).held(ref)
  connections = cells.space.held(cells.held())
  waiting = cells.space.held(cells.held())
})

function pool(limits: Partial<PoolLimits> = {}): Pool {
  return new Pool({
    transport,
    target: { address: '127.0.0.1', port: 1, tls: undefined },
    connection: { connectTimeoutMs: 1, keepAliveMs: 1 },
    limits: { max: 2, maxWaiting: 2, maxConcurrent: undefined, ...limits },
    inFlight,
    connections,
    waiting,
    clock: systemClock,
    timers: { coarseNow: 0 },
    onIdleLimit: (ms) => void idleLimits.push(ms),
    onRetired: (limit) => void retired.push(limit),
  })
}

function start(from: Pool, target: string): { ticket: Ticket; seen: Recorder } {
  const seen = new Recorder()
  return { ticket: from.start(get({ target }), seen), seen }
}

function at(index: number): HandConnection {
  return transport.connections[index] as HandConnection
}

test('opens up to max, then queues in order, then refuses', () => {
  const p = pool()
  const all = ['/a', '/b', '/c', '/d', '/e'].map((target) => start(p, target))
  expect(all.map(({ ticket }) => ticket.waiting)).toEqual([false, false, true, true, false])
  expect([p.open, p.waiting, inFlight.sum(), connections.sum()]).toEqual([2, 2, 4, 2])
  expect(all[4]?.seen.failure).toMatchObject({ reason: 'pool_full', phase: 'queue', bytesSent: false })
  at(0).answer()
  at(0).answer()
  expect(at(0).requests).toEqual(['/a', '/c', '/d'])
  at(0).answer()
  at(1).answer()
  expect(all.map(({ seen }) => seen.finals)).toEqual([1, 1, 1, 1, 1])
  expect([p.open, p.waiting, inFlight.sum(), connections.sum()]).toEqual([2, 0, 0, 2])
})

test('the last used connection is used first', () => {
  const p = pool()
  start(p, '/a')
  start(p, '/b')
  at(1).answer()
  at(0).answer()
  start(p, '/c')
  expect(at(0).requests).toEqual(['/a', '/c'])
})

test('a waiter that leaves frees its place and is never served', () => {
  const p = pool({ max: 1, maxWaiting: 3 })
  start(p, '/a')
  const waiters = ['/b', '/c', '/d'].map((target) => start(p, target))
  expect(start(p, '/x').seen.failure?.reason).toBe('pool_full')
  waiters[1]?.ticket.abort()
  waiters[1]?.ticket.abort()
  expect([p.waiting, inFlight.sum()]).toEqual([2, 3])
  expect(start(p, '/e').ticket.waiting).toBe(true)
  waiters[0]?.ticket.abort()
  for (let i = 0; i < 3; i++) at(0).answer()
  expect(at(0).requests).toEqual(['/a', '/d', '/e'])
  expect([p.waiting, inFlight.sum()]).toEqual([0, 0])
  expect(waiters[1]?.seen.names).toEqual([])
})

test('abort ends the connection, whose place goes to a waiter once it is closed', () => {
  const p = pool({ max: 1 })
  const first = start(p, '/a')
  start(p, '/b')
  first.ticket.abort()
  expect([inFlight.sum(), connections.sum(), p.waiting]).toEqual([1, 1, 1])
  at(0).gone()
  expect([inFlight.sum(), connections.sum(), p.waiting]).toEqual([1, 1, 0])
  expect(at(1).requests).toEqual(['/b'])
  expect(first.seen.names).toEqual([])
})

test('a connection that failed frees its place for the next waiter', () => {
  const p = pool({ max: 1 })
  const all = ['/a', '/b', '/c'].map((target) => start(p, target))
  at(0).fail()
  at(1).fail()
  at(2).answer()
  expect(all.map(({ seen }) => seen.failure?.reason)).toEqual(['connect_refused', 'connect_refused', undefined])
  expect([p.open, inFlight.sum(), connections.sum()]).toEqual([1, 0, 1])
})

test('a failure can be answered by a new start from its own event', () => {
  const p = pool({ max: 1, maxWaiting: 1 })
  const seen = new Recorder()
  let again: Ticket | undefined
  seen.on.onFailure = () => {
    again = p.start(get({ target: '/again' }), new Recorder())
  }
  p.start(get({ target: '/a' }), seen)
  at(0).fail()
  expect(again?.waiting).toBe(false)
  expect(at(1).requests).toEqual(['/again'])
  at(1).answer()
  expect([inFlight.sum(), connections.sum()]).toEqual([0, 1])
})

test('an idle connection that closes is forgotten', () => {
  const p = pool()
  start(p, '/a')
  at(0).answer()
  at(0).gone()
  expect([p.open, connections.sum()]).toEqual([0, 0])
  start(p, '/b')
  expect(at(1).requests).toEqual(['/b'])
})

test('a connection that is closed but has not said so yet is passed over', () => {
  const p = pool()
  start(p, '/a')
  at(0).answer()
  at(0).closed = true
  start(p, '/b')
  expect(at(1).requests).toEqual(['/b'])
  at(0).gone()
  at(1).answer()
  expect([p.open, connections.sum(), inFlight.sum()]).toEqual([1, 1, 0])
})

test('a connection that closes with its answer is replaced for a waiter', () => {
  const p = pool({ max: 1 })
  start(p, '/a')
  start(p, '/b')
  at(0).answer(200, true)
  expect(at(1).requests).toEqual(['/b'])
})

test('a ticket that ended has no hold on the connection any more', () => {
  const p = pool({ max: 1 })
  const first = start(p, '/a')
  at(0).answer()
  const second = start(p, '/b')
  first.ticket.pause()
  first.ticket.write(Buffer.from('x'))
  first.ticket.end([])
  first.ticket.resume()
  first.ticket.abort()
  expect(at(0).calls).toEqual([])
  expect(inFlight.sum()).toBe(1)
  second.ticket.pause()
  second.ticket.write(Buffer.from('y'))
  expect(at(0).calls).toEqual(['pause', 'write y'])
})

test('close: idle connections now, busy ones after their request, waiters are served', () => {
  const p = pool({ max: 2 })
  start(p, '/a')
  start(p, '/b')
  at(1).answer()
  p.close()
  expect(at(1).calls).toEqual(['close'])
  at(1).gone()
  expect(at(0).calls).toEqual([])
  at(0).answer()
  expect(at(0).calls).toEqual(['close'])
  at(0).gone()
  const late = start(p, '/late')
  at(2).answer()
  expect(late.seen.ended).toBe(true)
  expect(at(2).calls).toEqual(['close'])
  at(2).gone()
  expect([p.open, inFlight.sum(), connections.sum()]).toEqual([0, 0, 0])
})

test('more room is given to waiters at once', () => {
  const p = pool({ max: 1 })
  start(p, '/a')
  const second = start(p, '/b')
  p.resize({ max: 2, maxWaiting: 2, maxConcurrent: undefined })
  expect(second.ticket.waiting).toBe(false)
  expect(at(1).requests).toEqual(['/b'])
})

test('no more in flight than the maximum of the endpoint, of all workers together; what was refused holds nothing', () => {
  const p = pool({ max: 1, maxConcurrent: 3 })
  const first = start(p, '/a')
  const waiting = start(p, '/b')
  elsewhere.take()
  const refused = start(p, '/c')
  expect(refused.seen.failure?.reason).toBe('pool_full')
  expect([first.ticket.held, waiting.ticket.waiting, refused.ticket.held]).toEqual([true, true, false])
  expect(inFlight.sum()).toBe(3)
  elsewhere.give()
  start(p, '/d')
  expect([inFlight.sum(), p.waiting]).toEqual([3, 2])
  expect(start(p, '/e').seen.failure?.reason).toBe('pool_full')
  expect(inFlight.sum()).toBe(3)
})

test('one that may not wait holds nothing either', () => {
  const p = pool({ max: 1, maxWaiting: 0, maxConcurrent: 9 })
  start(p, '/a')
  expect(start(p, '/b').seen.failure?.reason).toBe('pool_full')
  expect(inFlight.sum()).toBe(1)
})

test('whatever happens in whatever order, what was taken is given back', () => {
  const p = pool({ max: 3, maxWaiting: 4 })
  const tickets: Ticket[] = []
  let state = 7
  const below = (n: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * n)
  }
  for (let i = 0; i < 5000; i++) {
    const busy = transport.connections.filter((connection) => connection.busy)
    const connection = busy[below(Math.max(1, busy.length))]
    const what = below(6)
    if (what < 2) tickets.push(start(p, `/${i}`).ticket)
    else if (what === 2) tickets.splice(below(Math.max(1, tickets.length)), 1)[0]?.abort()
    else if (what === 3) connection?.answer(200, below(4) === 0)
    else if (what === 4) connection?.fail()
    for (const other of transport.connections) {
      if (other.closed && other.calls.at(-1) === 'abort') {
        other.calls.push('gone')
        other.gone()
      }
    }
    expect(waiting.sum()).toBe(p.waiting)
    expect(inFlight.sum()).toBe(p.waiting + transport.connections.filter((each) => each.busy).length)
    expect(connections.sum()).toBe(transport.connections.filter((each) => !each.closed).length)
    expect(p.open).toBeLessThanOrEqual(3)
    expect(p.waiting).toBeLessThanOrEqual(4)
  }
  expect(transport.connections.length).toBeGreaterThan(100)
})

test('a connection that reached a limit of its life is told of as such, not as one that the upstream ended', () => {
  const p = pool()
  for (const _ of [1, 2, 3, 4, 5, 6, 7, 8]) {
    start(p, '/a')
    const connection = transport.connections.at(-1) as HandConnection
    connection.answer()
    connection.retired = 'maxAge'
    connection.gone()
  }
  expect([retired.length, idleLimits, p.open, connections.sum()]).toEqual([8, [], 0, 0])
  start(p, '/b')
  transport.connections.at(-1)?.answer(200, true)
  expect(retired.length).toBe(8)
})
