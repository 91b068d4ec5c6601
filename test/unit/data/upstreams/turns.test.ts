import { describe, expect, test } from 'vitest'
import { type InTurn, leavesLine, nextTurn, shareOf } from '../../../../src/data/upstreams/turns.ts'
import { EngineKit } from '../../../kit/engine.ts'
import { PEER } from '../../../kit/exchange.ts'
import { ScriptedDownstream } from '../../../kit/scripted-downstream.ts'

interface Named extends InTurn {
  readonly name: string
}

/** `a1`: the first request of client a; `A1`: with a body that is still to come. */
function turns(...names: string[]): Named[] {
  return names.map((name) => ({
    name,
    share: (name[0] as string).toLowerCase(),
    uploads: (name[0] as string) < 'a',
  }))
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
    expect(nextTurn(turns(...waiting), turns(...busy), false)?.name).toBe(next)
  })

  test('is that of an upload, too, as long as there is a place for one', () => {
    expect(nextTurn(turns('A1', 'b1'), [], true)?.name).toBe('A1')
  })

  test.each([
    [['a1', 'a2', 'a3', 'b1'], 'a3'],
    [['a1', 'a2', 'b1', 'b2'], 'b2'],
    [['a1', 'b1', 'b2'], 'b2'],
    [['a1', 'a2', 'b1', 'a3'], 'a3'],
  ])('of a line %j that is too long leaves %s', (waiting, leaves) => {
    const line = turns(...waiting)
    expect(leavesLine(line, line.at(-1) as Named).name).toBe(leaves)
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
})
