import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { Duplex, duplexPair } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Failure, failure } from '../../../../src/core/failures.ts'
import { type SeenTunnel, TunnelFacts, type TunnelSide, type TunnelStage } from '../../../../src/core/tunnel.ts'
import { JoinedTunnel } from '../../../../src/data/engine/tunnel.ts'
import { CLOSE_MS } from '../../../../src/data/engine/tunnel-ends.ts'
import { TimerWheel } from '../../../../src/lib/timers.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { TcpPeer } from '../../../kit/tcp.ts'
import { settle, until } from '../../../kit/until.ts'

let clock: ManualClock
let timers: TimerWheel
let overs: (Failure | undefined)[]
let bugs: unknown[]
let moved: number
let facts: TunnelFacts
let tunnel: JoinedTunnel
const servers: Server[] = []

beforeEach(() => {
  clock = new ManualClock()
  timers = new TimerWheel(clock)
  overs = []
  bugs = []
  moved = 0
  facts = new TunnelFacts('echo')
})

afterEach(() => {
  tunnel.stop()
  for (const server of servers.splice(0)) server.close()
})

function join(client: Duplex, upstream: Duplex, stage?: TunnelStage): void {
  const owner = {
    timers,
    onMoved: () => {
      moved++
    },
    onOver: (why: Failure | undefined) => void overs.push(why),
    bug: (error: unknown) => void bugs.push(error),
  }
  tunnel = new JoinedTunnel(owner, facts, stage, client, upstream)
  tunnel.start()
}

/** Our end, paused, and what a peer at the other has received. */
async function socketEnds(): Promise<{ ours: Socket; peer: TcpPeer }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  servers.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const coming = once(server, 'connection')
  const theirs = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true })
  const [ours] = (await coming) as [Socket]
  return { ours, peer: new TcpPeer(theirs) }
}

interface Joined {
  readonly client: TcpPeer
  readonly upstream: TcpPeer
  readonly ends: { readonly client: Socket; readonly upstream: Socket }
}

async function joined(stage?: TunnelStage): Promise<Joined> {
  const [a, b] = await Promise.all([socketEnds(), socketEnds()])
  join(a.ours, b.ours, stage)
  return { client: a.peer, upstream: b.peer, ends: { client: a.ours, upstream: b.ours } }
}

/** Drops nothing, and notes what it is told. */
class Spy implements TunnelStage {
  readonly seen: string[] = []
  tunnel!: SeenTunnel
  start(tunnel: SeenTunnel): void {
    this.tunnel = tunnel
    this.seen.push('start')
  }
  push(from: TunnelSide, chunk: Buffer): Buffer | readonly Buffer[] | undefined {
    this.seen.push(`${from}:${chunk}`)
    return chunk
  }
  closed(from: TunnelSide): void {
    this.seen.push(`closed:${from}`)
  }
  leave(why: string, ms: number): void {
    this.seen.push(`${why}:${ms}`)
  }
  over(): void {
    this.seen.push('over')
  }
}

describe('two sockets', () => {
  test('bytes go both ways, are counted, and both sides close in order', async () => {
    const { client, upstream } = await joined()
    client.send('ping')
    await upstream.receive('ping')
    upstream.send('pong!')
    await client.receive('pong!')
    client.end('bye')
    expect(await upstream.receiveAll()).toBe('pingbye')
    // The other direction still stands.
    upstream.send(' and more')
    await client.receive('and more')
    expect([overs, client.ended]).toEqual([[], false])
    upstream.end()
    await until(() => overs.length === 1)
    expect(overs).toEqual([undefined])
    expect([facts.fromClient, facts.fromUpstream, facts.endedBy]).toEqual([7, 14, 'client'])
    expect(moved).toBeGreaterThan(3)
    await until(() => client.closed || client.ended)
  })

  test.each(['client', 'upstream'] as const)('a reset of the %s is a reset of the other side', async (side) => {
    const { client, upstream } = await joined()
    const [breaks, other] = side === 'client' ? [client, upstream] : [upstream, client]
    breaks.send('x')
    await other.receive('x')
    breaks.reset()
    await until(() => overs.length === 1 && other.closed)
    expect(other.error?.code).toBe('ECONNRESET')
    expect(overs[0]).toMatchObject(
      side === 'client'
        ? { reason: 'client_gone', origin: 'client' }
        : { reason: 'response_incomplete', origin: 'upstream' },
    )
    expect([facts.endedBy, tunnel.gone]).toEqual([side, true])
  })

  test('a side that is through with both directions ends the tunnel in order, though more was on its way to it', async () => {
    const { client, upstream } = await joined()
    upstream.send('bye')
    upstream.socket.destroySoon()
    await client.receive('bye')
    for (let i = 0; i < 5 && overs.length === 0; i++) {
      client.send('more')
      await settle(10)
    }
    client.end()
    await until(() => overs.length === 1)
    expect([overs[0], facts.endedBy, client.error]).toEqual([undefined, 'upstream', undefined])
  })

  test.each(['client', 'upstream'] as const)(
    'a %s that does not read holds the other side back, and loses nothing',
    async (side) => {
      const { client, upstream, ends } = await joined()
      const [reads, writes] = side === 'client' ? [client, upstream] : [upstream, client]
      reads.socket.pause()
      const chunk = Buffer.alloc(65_536, 'x')
      const all = 64 * 1024 * 1024
      let offered = 0
      const offer = (): void => {
        while (offered < all) {
          offered += chunk.length
          if (!writes.socket.write(chunk)) {
            writes.socket.once('drain', offer)
            return
          }
        }
      }
      offer()
      const source = side === 'client' ? ends.upstream : ends.client
      const sink = side === 'client' ? ends.client : ends.upstream
      await until(() => source.isPaused())
      await settle(50)
      const held = sink.writableLength
      expect(held).toBeLessThan(300_000)
      expect([tunnel.blocked, tunnel.clientBlocked]).toEqual([true, side === 'client'])
      expect(offered).toBeLessThan(all)
      reads.drop()
      reads.socket.resume()
      await until(() => reads.received === all, 'all of it', 20_000)
      expect(side === 'client' ? facts.fromUpstream : facts.fromClient).toBe(all)
    },
  )

  test('ended in order, both get what was written and a FIN; who does not close is cut', async () => {
    const { client, upstream } = await joined()
    upstream.send('last words')
    await client.receive('last words')
    const why = failure('draining', 'upgrade', 'operator')
    tunnel.end(why)
    tunnel.end(failure('internal', 'upgrade', 'sluice'))
    await Promise.all([client.receiveAll(), upstream.receiveAll()])
    client.send('dropped')
    await settle(20)
    expect([overs, upstream.text, client.error, upstream.error]).toEqual([[], '', undefined, undefined])
    client.end()
    await settle(20)
    expect(overs).toEqual([])
    clock.advance(CLOSE_MS + 20)
    expect([overs, facts.endedBy, tunnel.gone]).toEqual([[why], 'sluice', true])
  })

  test('ended at once, both are reset', async () => {
    const { client, upstream } = await joined()
    client.send('x')
    await upstream.receive('x')
    const why = failure('idle_timeout', 'upgrade', 'client')
    tunnel.reset(why)
    await until(() => client.closed && upstream.closed)
    expect([overs, client.error?.code, upstream.error?.code]).toEqual([[why], 'ECONNRESET', 'ECONNRESET'])
  })

  test('an end that was gone before it was joined ends the tunnel', async () => {
    const [a, b] = await Promise.all([socketEnds(), socketEnds()])
    b.ours.on('error', () => {}).destroy()
    join(a.ours, b.ours)
    await until(() => overs.length === 1)
    expect([overs[0]?.reason, facts.endedBy]).toEqual(['response_incomplete', 'upstream'])
    await until(() => a.peer.closed)
  })
})

describe('a pair of streams in memory', () => {
  test('joins, ends and breaks like sockets', async () => {
    const [ours, client] = duplexPair()
    const [own, upstream] = duplexPair()
    const got: string[] = []
    upstream.on('data', (chunk) => got.push(`${chunk}`))
    join(ours, own)
    client.write('a')
    await until(() => got.join('') === 'a')
    upstream.on('error', () => {})
    own.destroy(new Error('gone'))
    await until(() => overs.length === 1)
    expect([overs[0]?.reason, ours.destroyed]).toEqual(['response_incomplete', true])
  })
})

describe('a stage', () => {
  test('sees bytes by side and in order, writes between them, and is told the end once', async () => {
    const spy = new Spy()
    const { client, upstream } = await joined(spy)
    client.send('one')
    await upstream.receive('one')
    spy.tunnel.inject('upstream', Buffer.from('(from us)'))
    spy.tunnel.inject('client', Buffer.from('(hello)'))
    client.send('two')
    expect(await upstream.receive('two')).toBe('one(from us)two')
    await client.receive('(hello)')
    tunnel.leave('drain', 500)
    client.end()
    await upstream.receiveAll()
    upstream.end('three')
    await until(() => overs.length === 1)
    expect(spy.seen).toEqual([
      'start',
      'client:one',
      'client:two',
      'drain:500',
      'closed:client',
      'upstream:three',
      'closed:upstream',
      'over',
    ])
    spy.tunnel.inject('client', Buffer.from('late'))
    tunnel.leave('reload', 1)
    expect(spy.seen).toHaveLength(8)
  })

  test('may give several pieces, or none', async () => {
    const spy = new Spy()
    spy.push = (_from, chunk) =>
      chunk.includes('!') ? undefined : [chunk.subarray(0, 1), Buffer.from('-'), chunk.subarray(1)]
    const { client, upstream } = await joined(spy)
    client.send('abc')
    await upstream.receive('a-bc')
    client.send('!')
    await until(() => facts.fromClient === 4)
    client.send('xy')
    expect(await upstream.receive('y')).toBe('a-bcx-y')
  })

  test.each(['start', 'push', 'closed', 'leave'] as const)(
    'that throws in %s ends the tunnel as internal',
    async (call) => {
      const spy = new Spy()
      spy[call] = () => {
        throw new Error('of the stage')
      }
      const { client, upstream } = await joined(spy)
      tunnel.leave('drain', 1)
      if (call === 'push') client.send('x')
      if (call === 'closed') client.end()
      await until(() => overs.length === 1)
      expect([overs[0]?.reason, `${bugs[0]}`, bugs.length]).toEqual(['internal', 'Error: of the stage', 1])
      expect(spy.seen.at(-1)).toBe('over')
      await until(() => upstream.closed && client.closed)
    },
  )

  test('that ends the tunnel in the middle of bytes passes none on', async () => {
    const spy = new Spy()
    spy.push = (_from, chunk) => {
      spy.tunnel.end(undefined)
      return chunk
    }
    const { client, upstream } = await joined(spy)
    client.send('too much')
    expect(await upstream.receiveAll()).toBe('')
    upstream.end()
    client.end()
    await until(() => overs.length === 1)
    expect([overs[0], bugs]).toEqual([undefined, []])
  })
})

/** A side that says one octet at a time, and takes what it is given when it is told to. */
class Grain extends Duplex {
  readonly taken: Buffer[] = []
  /** Octets that were asked of it. */
  said = 0
  private readonly all: number
  private go: (() => void) | undefined = undefined
  private taking = false

  constructor(all = 0) {
    super({ readableHighWaterMark: 1 })
    this.all = all
  }

  takes(): void {
    this.taking = true
    this.go?.()
  }

  override _read(): void {
    // Each as an event of its own.
    if (this.said < this.all) setImmediate(() => this.push(Buffer.from(String(this.said++ % 10))))
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.taken.push(chunk)
    if (this.taking) done()
    else this.go = done
  }
}

test.each(['client', 'upstream'] as const)(
  'a %s that sends octet by octet is read no further than some parts ahead',
  async (from) => {
    const source = new Grain(2_000)
    const sink = new Grain()
    join(...((from === 'client' ? [source, sink] : [sink, source]) as [Duplex, Duplex]))
    await until(() => source.isPaused())
    const { said } = source
    expect(said).toBeLessThan(260)
    expect([sink.taken.length, sink.writableNeedDrain, tunnel.blocked, tunnel.clientBlocked]).toEqual([
      1,
      false,
      true,
      from === 'upstream',
    ])
    await settle()
    expect(source.said).toBe(said)
    sink.takes()
    await until(() => sink.taken.length === 2_000)
    expect(Buffer.concat(sink.taken).toString()).toBe('0123456789'.repeat(200))
    expect([facts.fromClient + facts.fromUpstream, tunnel.blocked]).toEqual([2_000, false])
  },
)
