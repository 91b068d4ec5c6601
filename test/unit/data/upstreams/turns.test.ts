import { describe, expect, test, vi } from 'vitest'
import type { Linked } from '../../../../src/data/upstreams/held-line.ts'
import { type InTurn, leavesLine, shareOf, Turns } from '../../../../src/data/upstreams/turns.ts'
import { EngineKit } from '../../../kit/engine.ts'
import { PEER } from '../../../kit/exchange.ts'
import { ScriptedDownstream } from '../../../kit/scripted-downstream.ts'

interface Named extends InTurn, Linked<Named> {
  readonly name: string
}

/** `a1`: the first request of client a; `A1`: with a body that is still to come. */
function turns(...names: string[]): Named[] {
  return names.map((name) => ({
    name,
    share: (name[0] as string).toLowerCase(),
    uploads: (name[0] as string) < 'a',
    previous: undefined,
    next: undefined,
  }))
}

function begin(all: Turns<Named>, turn: Named): void {
  all.busy.add(turn)
  all.count(turn, 1)
}

function end(all: Turns<Named>, turn: Named): void {
  all.busy.delete(turn)
  all.count(turn, -1)
}

function line(waiting: readonly string[], busy: readonly string[]): Turns<Named> {
  const all = new Turns<Named>()
  for (const turn of turns(...waiting)) all.line.push(turn)
  for (const turn of turns(...busy)) begin(all, turn)
  return all
}

describe('the turn of clients that wait', () => {
  test.each([
    [['a1', 'a2'], ['a8', 'a9'], 'a1'],
    [['a1', 'b1'], [], 'a1'],
    [['a1', 'b1'], ['a9'], 'b1'],
    [['a1', 'a2', 'b1', 'c1'], ['a8', 'a9', 'b9', 'c9', 'd9'], 'b1'],
    [['A1', 'a2', 'b1'], ['b9'], 'a2'],
    [['A1', 'B1'], [], undefined],
    [[], ['a9'], undefined],
  ])('of %j, while %j are under way, is that of %s', (waiting, busy, next) => {
    expect(line(waiting, busy).first(false)?.name).toBe(next)
  })

  test('is that of an upload, too, as long as there is a place for one', () => {
    expect(line(['A1', 'b1'], []).first(true)?.name).toBe('A1')
  })

  test('goes on by what begins and ends meanwhile, and counts all of it once per line', () => {
    const all = line(['a1', 'a2', 'b1', 'c1'], [])
    let asked = 0
    const busy = turns('a7', 'a8', 'b9', 'c8', 'c9').map((turn) =>
      Object.defineProperty(turn, 'share', {
        get: () => {
          asked++
          return turn.name[0]
        },
      }),
    )
    for (const turn of busy) begin(all, turn)
    expect([all.first(false)?.name, asked]).toEqual(['b1', 5])
    end(all, busy[0] as Named)
    end(all, busy[1] as Named)
    expect([all.first(false)?.name, asked]).toEqual(['a1', 7])
    begin(all, busy[0] as Named)
    begin(all, busy[1] as Named)
    for (let i = 0; i < 10; i++) expect(all.first(false)?.name).toBe('b1')
    expect(asked).toBe(9)
  })

  test.each([
    [['a1', 'a2', 'a3', 'b1'], 'a3'],
    [['a1', 'a2', 'b1', 'b2'], 'b2'],
    [['a1', 'b1', 'b2'], 'b2'],
    [['a1', 'a2', 'b1', 'a3'], 'a3'],
  ])('of a line %j that is too long leaves %s', (waiting, leaves) => {
    const all = turns(...waiting)
    expect(leavesLine(all, all.at(-1) as Named).name).toBe(leaves)
  })

  test.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3::4', '20010db8:10002'],
    ['2001:db8:1:2::9', '20010db8:10002'],
    ['2001:db8:1:3::9', '20010db8:10003'],
    ['::ffff:192.0.2.7', '::ffff:192.0.2.7'],
    ['unix', 'unix'],
  ])('is shared by %s as %s', (address, share) => {
    expect(shareOf(address)).toBe(share)
  })
})

describe('a pool', () => {
  function rig(max: number, maxWaiting = 10): EngineKit {
    return new EngineKit({ buffering: {}, connections: { max, maxWaiting }, retries: { maxExtra: 0 } })
  }

  function get(kit: EngineKit, address = PEER.address): ScriptedDownstream {
    const client = Object.assign(new ScriptedDownstream(), { peer: { ...PEER, address } })
    kit.engine.handle(client)
    return client
  }

  /** An upload whose client says nothing behind its first byte. */
  function upload(kit: EngineKit): ScriptedDownstream {
    const client = new ScriptedDownstream('POST', '/', [], -1)
    kit.engine.handle(client)
    client.sends('x')
    kit.clock.advance(111)
    return client
  }

  const served = (kit: EngineKit): string[] =>
    kit.transport.connections.flatMap(({ busy, request }) => (busy ? [request?.method as string] : []))

  test('gives uploads that are not whole half of its connections, and the others to whole requests', () => {
    const kit = rig(4)
    const slow = [upload(kit), upload(kit), upload(kit)]
    expect(served(kit)).toEqual(['POST', 'POST'])
    const quick = [get(kit), get(kit), get(kit)]
    expect(served(kit)).toEqual(['POST', 'POST', 'GET', 'GET'])
    kit.transport.connections[2]?.answer(200)
    // The upload that waits is first in line, and may not.
    expect(served(kit)).toEqual(['POST', 'POST', 'GET', 'GET'])
    kit.transport.connections[0]?.connect()
    kit.transport.connections[0]?.answer(200)
    expect(served(kit)).toEqual(['POST', 'POST', 'GET', 'GET'])
    for (const client of [...slow, ...quick]) client.leaves()
    expect([kit.engine.running, kit.heldByAttempts, served(kit)]).toEqual([0, 0, []])
    // Nothing was lost of their half.
    upload(kit)
    upload(kit)
    upload(kit)
    expect(served(kit)).toEqual(['POST', 'POST'])
  })

  test('lets uploads that are not whole have half of its line', () => {
    const kit = rig(2, 4)
    const clients = Array.from({ length: 4 }, () => upload(kit))
    expect(clients.map(({ status }) => status)).toEqual([undefined, undefined, undefined, 503])
  })

  test('gives an upload that came whole any of them', () => {
    const kit = rig(2)
    upload(kit)
    const whole = new ScriptedDownstream('POST', '/', [], 1)
    kit.engine.handle(whole)
    whole.sends('x')
    whole.ends()
    expect(served(kit)).toEqual(['POST', 'POST'])
  })

  test('serves a client that has none before one that has all, and refuses the latest of that one', () => {
    const kit = rig(2, 2)
    const many = Array.from({ length: 4 }, () => get(kit, '192.0.2.1'))
    const other = get(kit, '192.0.2.2')
    expect(many.map(({ status }) => status)).toEqual([undefined, undefined, undefined, 503])
    kit.transport.connections[0]?.connect()
    kit.transport.connections[0]?.answer(200)
    kit.transport.connections[0]?.connect()
    kit.transport.connections[0]?.answer(204)
    expect([other.status, many[2]?.status]).toEqual([204, undefined])
    expect(kit.finished.map(({ failure }) => failure?.reason)).toEqual(['pool_full', undefined, undefined])
  })

  /** Whose clients send nothing, or read nothing, of which nothing is kept. */
  class Slow {
    readonly kit = new EngineKit({
      buffering: { response: 'off' },
      connections: { max: 8, maxWaiting: 4 },
      retries: { maxExtra: 0 },
      timeouts: { minRate: { bytes: 1024, window: 600_000 }, request: undefined, idle: undefined },
    })
    private readonly moving: ScriptedDownstream[] = []

    reader(): void {
      const client = Object.assign(new ScriptedDownstream(), { room: false })
      this.kit.engine.handle(client)
      this.kit.latest.connect()
      this.kit.latest.events.onHead(200, [])
      this.kit.latest.events.onData(Buffer.from('a'))
    }

    upload(moves: boolean): void {
      const client = upload(this.kit)
      if (moves) this.moving.push(client)
      if (this.kit.latest.sent === '') this.kit.latest.connect()
    }

    pass(seconds: number): void {
      for (let i = 0; i < seconds; i++) {
        this.kit.clock.advance(1_000)
        for (const client of this.moving) if (!client.gone) client.sends('x'.repeat(2_048))
      }
    }

    get reasons(): (string | undefined)[] {
      return this.kit.finished.map(({ failure }) => failure?.reason)
    }
  }

  test('ends no slow reader for an upload that waits for another upload alone', () => {
    const slow = new Slow()
    for (let i = 0; i < 3; i++) slow.reader()
    for (let i = 0; i < 4; i++) slow.upload(true)
    slow.pass(7)
    upload(slow.kit)
    slow.pass(7)
    expect([slow.reasons, served(slow.kit).length]).toEqual([[], 7])
    // Who needs a connection of any kind gets one.
    get(slow.kit)
    expect([slow.reasons, served(slow.kit).length]).toEqual([[], 8])
    get(slow.kit)
    expect([slow.reasons, served(slow.kit).length]).toEqual([['stalled_client'], 8])
  })

  test('ends a slow upload for it', () => {
    const slow = new Slow()
    for (let i = 0; i < 3; i++) slow.reader()
    for (let i = 0; i < 4; i++) slow.upload(i !== 2)
    slow.pass(7)
    upload(slow.kit)
    expect([slow.reasons, slow.kit.finished[0]?.method]).toEqual([['stalled_client'], 'POST'])
    expect(served(slow.kit).filter((method) => method === 'POST')).toHaveLength(4)
  })

  test('keeps the bound of its line while slow clients are ended for it', () => {
    const slow = new Slow()
    for (let i = 0; i < 8; i++) slow.reader()
    slow.pass(7)
    // Their connections close later.
    const closing = slow.kit.transport.connections.map((connection) => {
      const close = connection.close.bind(connection)
      connection.close = () => void Object.assign(connection, { busy: false, closed: true })
      return () => {
        connection.closed = false
        close()
      }
    })
    const clients = Array.from({ length: 14 }, () => get(slow.kit))
    expect(clients.filter(({ status }) => status === 503)).toHaveLength(2)
    expect(slow.reasons.filter((reason) => reason === 'stalled_client')).toHaveLength(8)
    for (const close of closing) close()
    expect(served(slow.kit)).toHaveLength(8)
    expect(clients.filter(({ status }) => status === undefined)).toHaveLength(12)
    expect(get(slow.kit).status).toBe(503)
  })

  test('that is full asks for nobody’s turn before it refuses', () => {
    const kit = rig(4, 2)
    const clients = Array.from({ length: 6 }, (_, i) => get(kit, `192.0.2.${i}`))
    let turns = 0
    const first = vi.spyOn(Turns.prototype, 'first').mockImplementation(() => void turns++)
    for (let i = 0; i < 10; i++) expect(get(kit, '192.0.2.99').status).toBe(503)
    first.mockRestore()
    expect(turns).toBe(0)
    for (const client of clients) client.leaves()
    expect([kit.engine.running, kit.heldByAttempts]).toEqual([0, 0])
  })
})
