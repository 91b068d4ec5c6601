import { type Duplex, duplexPair } from 'node:stream'
import { expect, test } from 'vitest'
import { failure } from '../../../../src/core/failures.ts'
import type { Policy } from '../../../../src/core/policy.ts'
import type { SeenTunnel, TunnelStage } from '../../../../src/core/tunnel.ts'
import { EngineKit, type EngineSetUp } from '../../../kit/engine.ts'
import { ScriptedDownstream } from '../../../kit/scripted-downstream.ts'
import { settle, until } from '../../../kit/until.ts'
import { ACCEPT, KEY } from '../../../kit/upgrade.ts'

const SWITCHED = [
  'Connection',
  'Upgrade',
  'Upgrade',
  'websocket',
  'Sec-WebSocket-Accept',
  ACCEPT,
  'Content-Length',
  '0',
]

/** A client that asks for WebSocket; `far`: its own end of the connection. */
class Client extends ScriptedDownstream {
  readonly far: Duplex
  switches = true
  private readonly near: Duplex

  constructor() {
    super('GET', '/', ['Sec-WebSocket-Key', KEY])
    const [near, far] = duplexPair()
    this.near = near
    this.far = far
    far.on('error', () => {}).resume()
  }

  override head(status: number, headers: readonly string[]): boolean {
    return status === 101 && !this.switches ? false : super.head(status, headers)
  }

  override tunnel(): Duplex {
    return this.near
  }
}

/** Asks for the upgrade, as the policy of a route does. */
const ASKS: Policy = {
  name: 'asks',
  admit(ex) {
    ex.upgrade = 'websocket'
    return undefined
  },
}

interface Rig {
  readonly kit: EngineKit
  readonly client: Client
  /** The upstream's own end. */
  readonly upstream: Duplex
  readonly ours: Duplex
}

function upgraded(
  setUp: EngineSetUp = {},
  headers: readonly string[] = SWITCHED,
  prepare?: (client: Client, kit: EngineKit) => void,
): Rig {
  const kit = new EngineKit({ ...setUp, policies: [ASKS, ...(setUp.policies ?? [])] })
  const client = new Client()
  prepare?.(client, kit)
  kit.engine.handle(client)
  expect(kit.running.request?.upgrade).toBe('websocket')
  kit.running.connect()
  const [ours, upstream] = duplexPair()
  upstream.on('error', () => {}).resume()
  kit.running.events.onUpgraded(headers, ours.pause())
  return { kit, client, upstream, ours }
}

async function ended({ kit, client, ours }: Rig): Promise<void> {
  await until(() => kit.engine.running === 0)
  expect([ours.destroyed, client.tunnel().destroyed || client.status !== 101, kit.bugs]).toEqual([true, true, []])
}

test('the client has its 101 with what belongs there, and the attempt is a success', async () => {
  const rig = upgraded()
  const { client, kit } = rig
  expect([client.status, client.field('upgrade'), client.field('content-length'), client.field('connection')]).toEqual([
    101,
    'websocket',
    undefined,
    undefined,
  ])
  expect([kit.attempts.length, kit.attempts[0]?.head?.outcome, kit.attempts[0]?.end]).toEqual([1, 'ok', 'pending'])
  client.far.end('bye')
  rig.upstream.end()
  await ended(rig)
  const [ex] = kit.finished
  expect([ex?.failure, ex?.tunnel?.fromClient, ex?.tunnel?.endedBy, ex?.attempt?.end]).toEqual([
    undefined,
    3,
    'client',
    'complete',
  ])
})

test('neither the deadline nor an idle hour ends it, timeouts.stream and timeouts.total do', async () => {
  const idle = upgraded({ timeouts: { request: 1_000, idle: 1_000, stream: undefined, total: undefined } })
  idle.kit.clock.advance(3_600_000)
  expect(idle.kit.engine.running).toBe(1)
  for (const [limit, reason] of [
    ['stream', 'idle_timeout'],
    ['total', 'total_exceeded'],
  ] as const) {
    const rig = upgraded({ timeouts: { request: 500, stream: undefined, total: undefined, [limit]: 2_000 } })
    rig.kit.clock.advance(1_900)
    rig.client.far.write('x')
    await settle()
    rig.kit.clock.advance(1_900)
    // Bytes make its life no longer.
    expect(rig.kit.finished[0]?.tunnel?.endedBy).toBe(limit === 'total' ? 'sluice' : undefined)
    rig.kit.clock.advance(2_000)
    await settle()
    rig.kit.clock.advance(2_000)
    await ended(rig)
    expect([limit, rig.kit.finished[0]?.failure?.reason]).toEqual([limit, reason])
  }
  idle.kit.engine.close(failure('draining', 'request', 'operator'))
  expect(idle.kit.finished[0]).toMatchObject({ failure: { reason: 'draining' }, tunnel: { endedBy: 'sluice' } })
})

test('a worker that crashes records it with its reason, and leaves no end open', async () => {
  const rig = upgraded()
  rig.kit.engine.crash(failure('internal', 'request', 'sluice'))
  await ended(rig)
  expect(rig.kit.finished[0]).toMatchObject({ failure: { reason: 'internal' }, attempt: { end: 'broken_by_us' } })
})

test('a 101 that is not of this handshake is bad_response, and its connection is gone', async () => {
  const rig = upgraded({ retries: { maxExtra: 0 } }, SWITCHED.with(5, 'AAAA'))
  await until(() => rig.ours.destroyed)
  expect([rig.client.status, rig.kit.finished[0]?.failure?.reason, rig.kit.attempts[0]?.rule]).toEqual([
    502,
    'bad_response',
    'Sec-WebSocket-Accept: not of this request',
  ])
})

test.each([
  ['a stream hook refuses', { stream: () => ({ reason: 'streams_full' }) }, 503],
  [
    'a tunnel hook throws',
    {
      tunnel: () => {
        throw new Error('of the hook')
      },
    },
    500,
  ],
] as const)('where %s the client gets another answer, and the upstream is let go', async (_what, hooks, status) => {
  const rig = upgraded({ policies: [{ name: 'p', ...hooks } as Policy] })
  expect(rig.client.status).toBe(status)
  await until(() => rig.ours.destroyed)
  expect([rig.kit.finished[0]?.tunnel, rig.kit.finished[0]?.attempt?.end]).toEqual([undefined, 'broken_by_us'])
})

test.each(['attempted', 'respond', 'stream'] as const)(
  'a %s hook that throws at a 101 is answered once, and no other hook is asked',
  async (hook) => {
    const told: string[] = []
    const tells = (name: string) => (): undefined => void told.push(name)
    const other: Policy = { name: 'p', stream: tells('stream'), tunnel: tells('tunnel') }
    const throws: Policy = {
      name: 't',
      [hook]: () => {
        throw new Error('of the hook')
      },
    }
    const rig = upgraded({ policies: [throws, other] })
    expect(rig.client.got.filter((piece) => piece !== 'end').map(String)).toEqual([
      '500',
      expect.stringContaining('internal'),
    ])
    await until(() => rig.ours.destroyed)
    expect(told).toEqual(hook === 'respond' ? ['stream', 'tunnel'] : [])
    expect([rig.kit.bugs.map(String), rig.kit.finished.length]).toEqual([['Error: of the hook'], 1])
    expect([rig.kit.finished[0]?.tunnel, rig.kit.inFlight]).toEqual([undefined, 0])
  },
)

test('a connection that cannot be handed over after all breaks the exchange, and no more', async () => {
  const rig = upgraded({}, SWITCHED, (client) => {
    client.tunnel = () => {
      throw new Error('of the downstream')
    }
  })
  await until(() => rig.ours.destroyed)
  expect([rig.client.got, rig.kit.bugs.map(String), rig.kit.engine.running]).toEqual([
    [101, 'reset'],
    ['Error: of the downstream'],
    0,
  ])
})

test('a respond hook that comes back after the deadline opens nothing', async () => {
  let go: () => void = () => {}
  const respond = (): Promise<void> => new Promise((resolve) => (go = resolve))
  const rig = upgraded({ policies: [{ name: 'p', respond }], timeouts: { request: 1_000 } })
  rig.kit.clock.advance(1_100)
  expect(rig.client.status).toBe(504)
  go()
  await ended(rig)
  expect(rig.client.got.filter((piece) => typeof piece === 'number')).toEqual([504])
})

test('an upstream that breaks a tunnel teaches nothing: its 101 has, at once', async () => {
  const told: unknown[][] = []
  const rig = upgraded({}, SWITCHED, (_client, kit) => {
    const [endpoint] = kit.upstreams[0]?.endpoints ?? []
    if (endpoint !== undefined) endpoint.ended = (...facts) => void told.push(facts)
  })
  const at = rig.kit.clock.now()
  expect(told).toEqual([[true, at]])
  rig.kit.clock.advance(60_000)
  rig.ours.destroy(new Error('reset'))
  await ended(rig)
  expect(told.length).toBe(1)
  const [ex] = rig.kit.finished
  expect([ex?.failure?.reason, ex?.tunnel?.endedBy, ex?.attempt?.end]).toEqual([
    'response_incomplete',
    'upstream',
    'tunnel_broken',
  ])
})

test('nor does a tunnel that fell silent, nor one that is cut while it ends', async () => {
  for (const cut of [false, true]) {
    const rig = upgraded({ timeouts: { stream: 2_000, total: undefined } })
    rig.kit.clock.advance(2_100)
    if (cut) rig.kit.engine.crash(failure('internal', 'request', 'sluice'))
    else rig.kit.clock.advance(2_000)
    await ended(rig)
    const [ex] = rig.kit.finished
    expect([ex?.failure?.reason, ex?.attempt?.end]).toEqual(['idle_timeout', 'broken_by_us'])
  }
})

test('a client whose connection cannot be handed over gets 400', async () => {
  const rig = upgraded({}, SWITCHED, (client) => {
    client.switches = false
  })
  expect(rig.client.status).toBe(400)
  await until(() => rig.ours.destroyed)
})

test('a client that leaves while a respond hook waits leaves nothing behind', async () => {
  const respond = (): Promise<void> => new Promise(() => {})
  const rig = upgraded({ policies: [{ name: 'p', respond }] })
  expect(rig.client.status).toBeUndefined()
  rig.client.leaves()
  expect([rig.kit.engine.running, rig.kit.finished[0]?.failure?.reason]).toEqual([0, 'client_gone'])
  await until(() => rig.ours.destroyed)
})

test('the first policy that gives a stage has it, and it is told of a worker that ends, also where it begins later', async () => {
  const told: string[] = []
  const stage: TunnelStage = {
    start: (_tunnel: SeenTunnel) => void told.push('start'),
    push: (_from, chunk) => chunk,
    closed: () => {},
    leave: (why, ms) => void told.push(`${why} ${ms}`),
    over: () => void told.push('over'),
  }
  const none: Policy = { name: 'none', tunnel: () => undefined }
  const other: Policy = {
    name: 'other',
    tunnel: () => {
      throw new Error('not asked')
    },
  }
  const policies = [none, { name: 'first', tunnel: () => stage }, other]
  const rig = upgraded({ policies })
  rig.kit.engine.leave(5_000)
  const late = new Client()
  rig.kit.engine.handle(late)
  rig.kit.latest.connect()
  const [ours, far] = duplexPair()
  far.on('error', () => {}).resume()
  rig.kit.clock.advance(1_000)
  rig.kit.latest.events.onUpgraded(SWITCHED, ours.pause())
  expect(told).toEqual(['start', 'drain 5000', 'start', 'drain 4000'])
  rig.kit.engine.close(failure('draining', 'request', 'operator'))
  await ended(rig)
  expect(told.slice(4)).toEqual(['over', 'over'])
})

test('the sweep takes none that is ending for one that was forgotten', async () => {
  const rig = upgraded()
  rig.client.gone = true
  rig.kit.clock.advance(10_000)
  expect(rig.kit.engine.running).toBe(1)
  rig.client.far.end()
  rig.upstream.end()
  await ended(rig)
})
