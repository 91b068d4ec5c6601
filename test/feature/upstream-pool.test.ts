import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { HeldCell } from '../../src/cells/held.ts'
import { Pool, type PoolLimits } from '../../src/data/upstreams/pool.ts'
import { http1Transport } from '../../src/data/upstreams/transports/http1.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { EventClock } from '../../src/lib/event-clock.ts'
import { TimerWheel } from '../../src/lib/timers.ts'
import { get, Recorder } from '../contract/transport/harness.ts'
import { TestCells } from '../kit/cells.ts'
import { until } from '../kit/until.ts'
import { type TestUpstream, testUpstream } from '../kit/upstream.ts'

describe('pool', () => {
  let timers: TimerWheel
  let upstream: TestUpstream
  let inFlight: HeldCell
  let connections: HeldCell
  let waiting: HeldCell
  let pools: Pool[]

  beforeEach(async () => {
    const cells = new TestCells()
    timers = new TimerWheel(systemClock)
    upstream = await testUpstream()
    inFlight = cells.space.held(cells.held())
    connections = cells.space.held(cells.held())
    waiting = cells.space.held(cells.held())
    pools = []
  })

  afterEach(async () => {
    for (const pool of pools) pool.close()
    await upstream.close()
    await until(() => connections.sum() === 0 && inFlight.sum() === 0, 'everything given back')
    timers.close()
  })

  function pool(limits: Partial<PoolLimits> = {}): Pool {
    const made = new Pool({
      transport: http1Transport(new EventClock(systemClock), timers),
      target: { address: '127.0.0.1', port: upstream.port, tls: undefined },
      connection: { connectTimeoutMs: 2000, keepAliveMs: 5000 },
      limits: { max: 4, maxWaiting: 100, maxConcurrent: undefined, ...limits },
      inFlight,
      connections,
      waiting,
      clock: systemClock,
      timers,
      onIdleLimit: () => {},
      onRetired: () => {},
    })
    pools.push(made)
    return made
  }

  function ask(from: Pool, request = get()): Recorder {
    const seen = new Recorder()
    from.start(request, seen)
    return seen
  }

  test('requests that cannot be sent wedge nothing', async () => {
    const p = pool()
    const refused = Array.from({ length: 50 }, () => ask(p, get({ headers: ['x-bad', 'a\nb'] })))
    for (const seen of refused) await seen.done()
    expect(refused.every((seen) => seen.failure !== undefined && !seen.failure.bytesSent)).toBe(true)
    const good = Array.from({ length: 20 }, () => ask(p))
    for (const seen of good) expect((await seen.done()).body).toBe('ok')
    expect(p.open).toBeLessThanOrEqual(4)
  })

  test('never more than max connections, and they are used again', async () => {
    const p = pool()
    let most = 0
    upstream.script = (_req, res) => {
      most = Math.max(most, upstream.sockets.size)
      setImmediate(() => res.end('ok'))
    }
    const all = Array.from({ length: 60 }, () => ask(p))
    for (const seen of all) expect((await seen.done()).status).toBe(200)
    expect([most, upstream.accepted]).toEqual([4, 4])
    expect(all.filter((seen) => seen.reused).length).toBe(56)
  })

  test('a waiter that leaves costs the upstream nothing', async () => {
    const p = pool({ max: 1 })
    upstream.script = () => {}
    const first = ask(p, get({ target: '/first' }))
    const leaving = p.start(get({ target: '/leaving' }), new Recorder())
    await until(() => upstream.seen.length === 1)
    leaving.abort()
    upstream.script = (_req, res) => res.end('ok')
    const last = ask(p, get({ target: '/last' }))
    for (const socket of upstream.sockets) socket.destroy()
    expect((await first.done()).failure?.reason).toBe('upstream_reset')
    expect((await last.done()).body).toBe('ok')
    expect(upstream.seen.map((seen) => seen.target)).toEqual(['/first', '/last'])
  })

  test('an upstream that dies under load: each request gets one final event, and it goes on afterwards', async () => {
    const p = pool({ max: 8, maxWaiting: 500 })
    upstream.script = (_req, res) => void setTimeout(() => res.end('ok'), 1)
    const all = Array.from({ length: 300 }, () => ask(p))
    await until(() => all.filter((seen) => seen.over).length > 50)
    for (const socket of upstream.sockets) socket.destroy()
    await until(() => all.filter((seen) => seen.over).length > 150)
    const { port } = upstream
    await upstream.close()
    await until(() => all.every((seen) => seen.over))
    expect(all.every((seen) => seen.finals === 1)).toBe(true)
    expect(all.some((seen) => seen.failure?.reason === 'connect_refused')).toBe(true)
    expect(inFlight.sum()).toBe(0)
    await upstream.listen(port)
    expect((await ask(p).done()).body).toBe('ok')
  })

  test('closing while busy: what runs and waits is answered, then no connection is left', async () => {
    const p = pool({ max: 2 })
    upstream.script = (_req, res) => void setTimeout(() => res.end('ok'), 1)
    const all = Array.from({ length: 10 }, () => ask(p))
    p.close()
    for (const seen of all) expect((await seen.done()).body).toBe('ok')
    await until(() => connections.sum() === 0 && upstream.sockets.size === 0)
  })
})
