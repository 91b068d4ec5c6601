import { duplexPair } from 'node:stream'
import { expect, test } from 'vitest'
import * as ws from 'ws'
import { FramedEnd } from '../../../../src/features/websocket/managed/framed-end.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import { TimerWheel } from '../../../../src/lib/timers.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { until } from '../../../kit/until.ts'
import { SessionRig, settle } from './managed-rig.ts'

test('Messages go from side to side whole, text as text and bytes as bytes.', async () => {
  const rig = new SessionRig()
  rig.client.send('hello')
  rig.client.part('a', false)
  rig.client.part('b', true)
  rig.server.send(Buffer.alloc(70_000))
  await settle()
  expect(rig.server.got).toEqual(['hello', 'ab'])
  expect(rig.client.got).toEqual(['binary 70000'])
  expect(rig.messages).toBe(3)
  expect(rig.tunnel.facts.fromUpstream).toBe(70_010)
  expect(rig.tunnel.actives).toBeGreaterThan(0)
})

test('Each side has its pings answered, and none reaches the other.', async () => {
  const rig = new SessionRig()
  rig.client.ping('c')
  rig.server.ping('s')
  await settle()
  expect([rig.client.pongs, rig.server.pongs]).toEqual([['c'], ['s']])
  expect([rig.client.pings, rig.server.pings]).toEqual([0, 0])
})

test('Where an upstream dies, the next one gets the frames of the config, then what the client sent meanwhile, then the rest.', async () => {
  const rig = new SessionRig({ onReconnect: ['subscribe a', 'subscribe b'] })
  rig.client.send('1')
  await settle()
  rig.server.die()
  await settle()
  rig.client.send('2')
  rig.client.send('3')
  await settle()
  const next = await rig.grant()
  rig.client.send('4')
  next.send('welcome')
  await settle()
  expect(rig.upstreams[0]?.got).toEqual(['1'])
  expect(next.got).toEqual(['subscribe a', 'subscribe b', '2', '3', '4'])
  expect(rig.client.got).toEqual(['welcome'])
  expect(rig.told).toEqual(['replaced 1 ended 0'])
  expect(rig.tunnel.end_).toBeUndefined()
})

test('The first upstream gets none of the frames that are for replacements.', async () => {
  const rig = new SessionRig({ onReconnect: ['subscribe'] })
  await settle()
  expect(rig.server.got).toEqual([])
})

test.each([1001, 1011, 1012, 1013, 1014])('An upstream that closes with %i is answered and replaced.', async (code) => {
  const rig = new SessionRig()
  rig.server.close(code, 'bye')
  await settle()
  expect(rig.server.got).toEqual([`close ${code}`])
  expect(rig.server.ended).toBe(true)
  await rig.grant()
  expect(rig.client.got).toEqual([])
  expect(rig.told).toEqual([`replaced 1 closed ${code}`])
})

test.each([1000, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 4999])(
  'A Close of the upstream with %i goes to the client.',
  async (code) => {
    const rig = new SessionRig()
    rig.server.send('last')
    rig.server.close(code, 'why')
    await settle()
    expect(rig.server.got).toEqual([`close ${code}`])
    expect(rig.client.got).toEqual(['last', `close ${code} why`])
    expect(rig.tunnel.end_).toBeUndefined()
    rig.client.close(code)
    await settle()
    expect(rig.tunnel.end_).toBe('end')
    expect(rig.tunnel.facts.codeFromUpstream).toBe(code)
    expect(rig.told).toEqual([`over upstream ${code}`])
  },
)

test('A Close without a code stays one.', async () => {
  const rig = new SessionRig()
  rig.server.close()
  await settle()
  expect(rig.client.got).toEqual(['close 1005'])
  expect(rig.server.got).toEqual(['close 1005'])
})

test('A client that does not answer a Close is ended after 5 s.', async () => {
  const rig = new SessionRig()
  rig.server.close(1000)
  await rig.pass(4900)
  expect(rig.tunnel.end_).toBeUndefined()
  await rig.pass(200)
  expect(rig.tunnel.end_).toBe('end')
})

test('The Close of a client goes to the upstream, whose last messages and answer come back.', async () => {
  const rig = new SessionRig()
  rig.client.send('x')
  rig.client.close(4001, 'done')
  await settle()
  expect(rig.server.got).toEqual(['x', 'close 4001 done'])
  rig.server.send('last words')
  rig.server.close(4001)
  await settle()
  expect(rig.client.got).toEqual(['last words', 'close 4001'])
  expect(rig.tunnel.end_).toBe('end')
  expect(rig.tunnel.facts.codeFromClient).toBe(4001)
})

test('An upstream that dies over the Close of its client is not replaced: the client has its own code back.', async () => {
  const rig = new SessionRig()
  rig.client.close(1000, 'done')
  await settle()
  rig.server.die()
  await settle()
  expect(rig.client.got).toEqual(['close 1000 done'])
  expect(rig.tunnel.end_).toBe('end')
  expect(rig.asked.length).toBe(0)
})

test('An upstream that does not answer the Close of its client is left after 5 s, and the client has its code back.', async () => {
  const rig = new SessionRig()
  rig.client.close(1000)
  await rig.pass(5010)
  expect(rig.client.got).toEqual(['close 1000'])
  expect(rig.tunnel.end_).toBe('end')
})

test('A client that closes while there is no upstream is answered at once, and none is asked for any more.', async () => {
  const rig = new SessionRig()
  rig.server.die()
  await settle()
  rig.client.send('lost')
  rig.client.close(1000)
  await settle()
  expect(rig.client.got).toEqual(['close 1000'])
  expect(rig.tunnel.end_).toBe('end')
  await rig.pass(30_000)
  expect(rig.asked.length).toBe(0)
  expect(rig.told).toEqual(['over client 1000'])
})

test('After as many attempts in a row as the route has, the client gets 1012.', async () => {
  const rig = new SessionRig()
  rig.server.die()
  await rig.refuse()
  await rig.refuse('breaker_open')
  expect(rig.client.got).toEqual([])
  await rig.refuse('bulkhead_full')
  expect(rig.client.got).toEqual(['close 1012 no upstream can be reached'])
  rig.client.close(1012)
  await settle()
  expect(rig.tunnel.end_).toBe('end bulkhead_full')
  expect(rig.told).toEqual([
    'failed connect_refused',
    'failed breaker_open',
    'failed bulkhead_full',
    'given up ended 0 after 3',
    'closing 1012 no_upstream',
    'over sluice 1012',
  ])
})

test('Upstreams that take the connection and drop it at once count as attempts in a row.', async () => {
  const rig = new SessionRig()
  rig.server.die()
  for (let i = 0; i < 3; i++) (await rig.grant()).die()
  await settle()
  expect(rig.client.got).toEqual(['close 1012 no upstream can be reached'])
})

test('An upstream that lasted for 10 s begins a new row.', async () => {
  const rig = new SessionRig()
  for (let i = 0; i < 5; i++) {
    await rig.pass(10_001)
    rig.server.die()
    await rig.grant()
  }
  expect(rig.client.got).toEqual([])
  expect(rig.told.at(-1)).toBe('replaced 5 ended 0')
})

test('The endpoint of the upstream that was lost is asked last.', async () => {
  const rig = new SessionRig()
  rig.server.die()
  await rig.refuse()
  const next = await rig.grant()
  next.die()
  await rig.grant()
  expect(rig.asked).toEqual(['endpoint 0', 'endpoint 0', 'endpoint 1'])
})

test.each([401, 403, 404])(
  'An upstream that refuses the handshake with %i would do it again: the client gets 1012 at once.',
  async (status) => {
    const rig = new SessionRig()
    rig.server.die()
    await rig.answer(status)
    expect(rig.client.got).toEqual(['close 1012 no upstream can be reached'])
    expect(rig.asked.length).toBe(1)
  },
)

test.each([408, 429, 500, 503])('An upstream that answers %i to the handshake is asked again.', async (status) => {
  const rig = new SessionRig()
  rig.server.die()
  await rig.answer(status)
  await rig.grant()
  expect(rig.told).toEqual(['failed upstream_error', 'replaced 1 ended 0'])
})

test('The waits between attempts grow from the base up to the cap, and are drawn at random.', async () => {
  const rig = new SessionRig({ reconnect: { max: 8, backoff: { base: 1000, cap: 4000 }, within: 1_000_000 } })
  rig.server.die()
  await settle()
  const waits: number[] = []
  for (let i = 0; i < 8; i++) {
    const from = rig.clock.now()
    while (rig.pending === undefined) rig.clock.advance(5)
    waits.push(rig.clock.now() - from)
    await rig.refuse()
  }
  const ceilings = [1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000]
  for (const [i, wait] of waits.entries()) expect(wait).toBeLessThanOrEqual((ceilings[i] as number) + 10)
  expect(Math.max(...waits)).toBeGreaterThan(1500)
  expect(new Set(waits).size).toBeGreaterThan(5)
})

test('A client that was without an upstream for too long gets 1012, whatever is under way.', async () => {
  const rig = new SessionRig({ reconnect: { max: 100, backoff: { base: 10, cap: 10 }, within: 2000 } })
  rig.server.die()
  await rig.pass(50)
  expect(rig.asked.length).toBe(1)
  const { pending } = rig
  await rig.pass(2000)
  expect(rig.client.got).toEqual(['close 1012 no upstream can be reached'])
  expect(rig.cancelled).toBe(1)
  pending?.({ reason: 'client_gone', phase: 'request', origin: 'client' })
  await rig.pass(1000)
  expect([rig.asked.length, rig.upstreams.length]).toEqual([1, 1])
})

test('A replacement that comes after the client was told to go is closed.', async () => {
  const rig = new SessionRig({ reconnect: { max: 100, backoff: { base: 10, cap: 10 }, within: 2000 } })
  rig.server.die()
  await rig.pass(2050)
  const late = await rig.grant()
  expect(late.ended).toBe(true)
  expect(rig.told).toEqual(['given up ended 0 after 1', 'closing 1012 no_upstream'])
})

test('What waits for an upstream has a bound: from there on the client is not read.', async () => {
  const rig = new SessionRig({ buffer: 10_000, reconnect: { max: 3, backoff: { base: 10, cap: 10 }, within: 60_000 } })
  rig.server.die()
  await settle()
  let sent = 0
  while (rig.client.socket.writableLength < 1_000_000) {
    rig.client.send(`${sent++}`.padEnd(1000, '.'))
    if (sent % 50 === 0) await settle()
    if (sent > 5000) throw new Error('all was read')
  }
  await settle()
  const held = sent * 1004 - rig.client.socket.writableLength
  expect(held).toBeLessThan(400_000)
  const next = await rig.grant()
  for (let i = 0; i < 60 && next.got.length < sent; i++) await settle()
  expect(next.got.map((text) => Number.parseInt(text, 10))).toEqual(Array.from({ length: sent }, (_, i) => i))
})

test('The memory of what waits is its bytes, however small the messages are.', async () => {
  const rig = new SessionRig({ buffer: 30_000 })
  rig.server.die()
  await settle()
  for (let i = 0; i < 4000; i++) rig.client.send('')
  await settle()
  const next = await rig.grant()
  for (let i = 0; i < 20 && next.got.length < 4000; i++) await settle()
  expect(next.got.length).toBe(4000)
})

test('An upstream that is not read by its client waits, and so does a client whose upstream does not read.', async () => {
  for (const slow of ['client', 'server'] as const) {
    const rig = new SessionRig()
    await settle()
    const [reader, writer] = slow === 'client' ? [rig.client, rig.server] : [rig.server, rig.client]
    reader.socket.pause()
    for (let i = 0; i < 400; i++) {
      writer.send(Buffer.alloc(10_000))
      if (i % 20 === 0) await settle()
    }
    await settle()
    expect(writer.socket.writableLength).toBeGreaterThan(2_000_000)
    reader.socket.resume()
    for (let i = 0; i < 200 && reader.got.length < 400; i++) await settle()
    expect(reader.got.length).toBe(400)
  }
})

test('Pings of a client that does not read take no memory: the latest is answered.', async () => {
  const rig = new SessionRig()
  await settle()
  rig.client.socket.pause()
  for (let i = 0; i < 60; i++) rig.server.send(Buffer.alloc(10_000))
  await settle()
  for (let i = 0; i < 1000; i++) rig.client.ping(`${i}`)
  await settle()
  rig.client.socket.resume()
  for (let i = 0; i < 100 && rig.client.got.length < 60; i++) await settle()
  await settle()
  expect(rig.client.pongs).toEqual(['999'])
})

test('A message that the upstream did not finish never reaches the client.', async () => {
  const rig = new SessionRig()
  rig.server.send('whole')
  rig.server.part('torn', false)
  await settle()
  rig.server.die()
  const next = await rig.grant()
  next.send('whole again')
  await settle()
  expect(rig.client.got).toEqual(['whole', 'whole again'])
})

test('A message that the client has not finished goes to the upstream that is there when it is whole.', async () => {
  const rig = new SessionRig()
  rig.client.part('one', false)
  await settle()
  rig.server.die()
  const next = await rig.grant()
  rig.client.part(' two', true)
  await settle()
  expect(next.got).toEqual(['one two'])
})

test('A replacement must speak the subprotocol of the first upstream, and no extension.', async () => {
  const rig = new SessionRig({}, ['Sec-WebSocket-Protocol', 'chat.v2'])
  rig.server.die()
  const other = await rig.grant(['sec-websocket-protocol', 'chat.v1'])
  expect(other.ended).toBe(true)
  const compressing = await rig.grant([
    'sec-websocket-protocol',
    'chat.v2',
    'Sec-WebSocket-Extensions',
    'permessage-deflate',
  ])
  expect(compressing.ended).toBe(true)
  rig.client.send('hi')
  const right = await rig.grant(['sec-websocket-protocol', 'chat.v2'])
  expect(right.got).toEqual(['hi'])
  expect(rig.told).toEqual(['failed bad_response', 'failed bad_response', 'replaced 1 ended 0'])
})

test('A replacement that died before it was listened to is lost like any other.', async () => {
  const rig = new SessionRig()
  rig.server.die()
  const dead = await rig.grant([], true)
  expect(dead.got).toEqual([])
  await rig.grant()
  expect(rig.told).toEqual(['replaced 1 ended 0', 'replaced 2 reset 0'])
})

test('A client that leaves without a Close takes its upstream along, and one that is being asked for.', async () => {
  const rig = new SessionRig()
  rig.client.die()
  await settle()
  expect(rig.tunnel.end_).toBe('end')
  const second = new SessionRig()
  second.server.die()
  await second.pass(200)
  expect(second.asked.length).toBe(1)
  second.client.die()
  await second.pass(30_000)
  expect(second.tunnel.end_).toBe('end')
  expect(second.clock.timers).toBeLessThanOrEqual(0)
})

const masked = (first: number, ...payload: number[]): Buffer =>
  Buffer.from([first, 0x80 | payload.length, 0, 0, 0, 0, ...payload])

test.each([
  ['an unmasked frame', Buffer.from([0x81, 1, 65]), 1002],
  ['a reserved bit', masked(0xc1, 65), 1002],
  ['a reserved opcode', masked(0x83, 65), 1002],
  ['a continuation of nothing', masked(0x80, 65), 1002],
  ['a ping in parts', masked(0x09, 65), 1002],
  ['text that is no UTF-8', masked(0x81, 0xff), 1007],
  ['a code that must not be sent', masked(0x88, 0x03, 0xee), 1002],
  ['a length above 2^63', Buffer.from([0x82, 0xff, 255, 255, 255, 255, 255, 255, 255, 255]), 1009],
  ['a message that is too large', Buffer.from([0x82, 0xff, 0, 0, 0, 0, 0, 2, 0, 0]), 1009],
])('A client that sends %s is told so, and its upstream closed.', async (_what, bytes, code) => {
  const rig = new SessionRig()
  rig.client.socket.write(bytes)
  await settle()
  expect(rig.client.got[0]).toContain(`close ${code}`)
  expect(rig.server.got).toEqual([`close ${code === 1009 ? 1009 : 1001}`])
  expect(rig.tunnel.end_).toBe(code === 1009 ? 'end body_too_large' : 'end bad_request')
  expect(rig.told[0]).toBe(`closing ${code} ${code === 1009 ? 'message_from_client' : 'client_fault'}`)
})

test('An upstream that breaks the protocol is told so and replaced; the client sees nothing of it.', async () => {
  const rig = new SessionRig()
  rig.server.socket.write(masked(0x81, 65))
  await settle()
  expect(rig.server.got).toEqual(['close 1002'])
  await rig.grant()
  expect(rig.told).toEqual(['replaced 1 fault 0'])
  expect(rig.client.got).toEqual([])
})

test('A message of an upstream above the bound closes both sides with 1009: another upstream would send it, too.', async () => {
  const rig = new SessionRig()
  rig.server.send(Buffer.alloc(100_001))
  await settle()
  expect(rig.server.got).toEqual(['close 1009'])
  expect(rig.client.got).toEqual(['close 1009'])
  rig.client.close(1009)
  await settle()
  expect(rig.tunnel.end_).toBe('end body_too_large')
  expect(rig.told).toEqual(['closing 1009 message_from_upstream', 'over sluice 1009'])
})

test('A message in very many parts ends what sends it.', async () => {
  const rig = new SessionRig()
  for (let i = 0; i < 5000; i++) rig.client.part('', false)
  await settle()
  expect(rig.client.got[0]).toContain('close 1008')
})

test.each(['client', 'server'] as const)(
  'What stands between the fragments of a message has a bound, and nothing is held against what stands elsewhere: %s.',
  async (side) => {
    const rig = new SessionRig()
    const writer = rig[side]
    // More than it may be: here no message is in progress.
    const pings = async (): Promise<void> => {
      for (let i = 0; i < 3000; i++) writer.ping('p'.repeat(125))
      await settle()
    }
    await pings()
    writer.part('a', false)
    writer.part('b', true)
    await pings()
    expect(rig[side === 'client' ? 'server' : 'client'].got).toEqual(['ab'])
    writer.part('a', false)
    await pings()
    expect(writer.got.at(-1)).toContain('close 1008')
    expect(rig.told[0]).toBe(side === 'client' ? 'closing 1008 client_fault' : undefined)
    expect(rig.waits).toBe(side === 'client' ? 0 : 1)
  },
)

test('A small message does not hold the chunk that it came in.', async () => {
  const [far, near] = duplexPair()
  const held: number[] = []
  const ignore = (): void => {}
  const end = new FramedEnd(
    ws,
    near,
    { side: 'client', maxMessage: 100_000, ping: undefined },
    new TimerWheel(new ManualClock()),
    {
      onMessage: (_end, data) => held.push(data.buffer.byteLength),
      onBroken: ignore,
      onBytes: ignore,
      onClose: ignore,
      onDrain: ignore,
      onPinged: ignore,
    },
  )
  const large = Buffer.concat([Buffer.from([0x82, 0xfe, 0xc0, 0, 0, 0, 0, 0]), Buffer.alloc(0xc000)])
  far.write(Buffer.concat([masked(0x81, 65), Buffer.concat(Array.from({ length: 9000 }, () => masked(0x8a, 1)))]))
  far.write(large)
  await settle()
  expect(held).toEqual([1, large.length])
  end.destroy()
})

test.each(['client', 'server'] as const)(
  'The %s that reads slowly is not asked, and not taken for dead: what is on its way arrives.',
  async (side) => {
    const rig = new SessionRig({ ping: 1000, maxMessage: 4_000_000 })
    await settle()
    const [reader, writer] = side === 'client' ? [rig.client, rig.server] : [rig.server, rig.client]
    reader.socket.pause()
    writer.send(Buffer.alloc(3_000_000))
    await settle()
    for (let i = 0; i < 6; i++) {
      writer.pong()
      await rig.pass(1010)
    }
    const told = rig.pinged.length
    const before = rig.tunnel.actives
    reader.socket.resume()
    await until(() => reader.got.length === 1)
    expect([reader.got, rig.told, rig.waits]).toEqual([['binary 3000000'], [], 0])
    expect(rig.pinged.filter((to) => to === (side === 'client' ? 'client' : 'upstream'))).toEqual([])
    // That it was taken counts as a sign of life of the tunnel.
    expect(rig.tunnel.actives).toBeGreaterThan(before)
    // It is asked again, and the silence of one that was asked tells.
    await rig.pass(1010)
    await rig.pass(1010)
    expect(rig.pinged.length).toBeGreaterThan(told)
  },
)

test('Sides that are silent are pinged; an upstream that does not answer is replaced, a client is left.', async () => {
  const rig = new SessionRig({ ping: 1000 })
  await rig.pass(1010)
  expect([rig.client.pings, rig.server.pings]).toEqual([1, 1])
  rig.client.pong()
  rig.server.pong()
  await rig.pass(1010)
  await rig.pass(1010)
  expect([rig.client.pings, rig.server.pings]).toEqual([2, 2])
  expect(rig.pinged.toSorted()).toEqual(['client', 'client', 'upstream', 'upstream'])
  rig.client.pong()
  await rig.pass(1010)
  const next = await rig.grant()
  expect(rig.told).toEqual(['replaced 1 silent 0'])
  for (let i = 0; i < 3; i++) {
    next.pong()
    await rig.pass(1010)
  }
  expect(rig.client.got).toEqual(['close 1001'])
  expect(next.got).toEqual(['close 1001'])
  expect(rig.tunnel.end_).toBe('end client_gone')
})

test('Without a message for `idle` both sides are closed with 1001; pings are no messages.', async () => {
  const rig = new SessionRig({ idle: 10_000 })
  await rig.pass(8000)
  rig.client.send('x')
  await rig.pass(8000)
  rig.client.ping('')
  await rig.pass(1900)
  expect(rig.client.got).toEqual([])
  await rig.pass(200)
  expect(rig.client.got).toEqual(['close 1001'])
  rig.client.close(1001)
  await settle()
  expect(rig.server.got).toEqual(['x', 'close 1001'])
  expect(rig.tunnel.end_).toBe('end')
})

test('When it is to leave, the client gets 1001 within the time; what it sends before its answer still goes to the upstream.', async () => {
  const rig = new SessionRig()
  rig.session.leave('drain', 10_000)
  rig.client.send('still served')
  for (let i = 0; i < 50 && rig.client.got.length === 0; i++) await rig.pass(100)
  expect(rig.client.got).toEqual(['close 1001'])
  expect(rig.told).toEqual(['closing 1001 drain'])
  rig.client.send('on its way')
  rig.client.close(1001)
  await settle()
  expect(rig.server.got).toEqual(['still served', 'on its way', 'close 1001'])
  expect(rig.tunnel.end_).toBe('end')
})

test('Sides that do not answer a Close of ours have 5 s together.', async () => {
  const rig = new SessionRig()
  rig.session.leave('reload', 0)
  await rig.pass(10)
  expect(rig.client.got).toEqual(['close 1001'])
  await rig.pass(2400)
  expect(rig.server.got).toEqual([])
  await rig.pass(200)
  expect(rig.server.got).toEqual(['close 1001'])
  expect(rig.tunnel.end_).toBeUndefined()
  await rig.pass(2500)
  expect(rig.tunnel.end_).toBe('end')
})

test('A drain or a reload lets a client have the long message that is on its way, in all the time that there is.', async () => {
  const rig = new SessionRig({ maxMessage: 4_000_000 })
  await settle()
  rig.client.socket.pause()
  rig.server.send(Buffer.alloc(3_000_000))
  await settle()
  rig.session.leave('reload', 30_000)
  // Our Close waits behind it; the upstream has its own in time.
  for (let i = 0; i < 29; i++) await rig.pass(1000)
  expect([rig.told, rig.server.got, rig.tunnel.end_]).toEqual([['closing 1001 reload'], ['close 1001'], undefined])
  rig.client.socket.resume()
  await until(() => rig.client.got.length === 2)
  expect(rig.client.got).toEqual(['binary 3000000', 'close 1001'])
  // From here on it has the time that any client has to answer.
  await rig.pass(4000)
  expect(rig.tunnel.end_).toBeUndefined()
  await rig.pass(1100)
  expect(rig.tunnel.end_).toBe('end')
})

test('One that is told to leave while its client is being closed has the time that is left.', async () => {
  const rig = new SessionRig({ maxMessage: 4_000_000, idle: 1000 })
  await settle()
  rig.client.socket.pause()
  rig.server.send(Buffer.alloc(3_000_000))
  await rig.pass(1100)
  expect(rig.told).toEqual(['closing 1001 idle'])
  rig.session.leave('drain', 20_000)
  for (let i = 0; i < 15; i++) await rig.pass(1000)
  expect(rig.tunnel.end_).toBeUndefined()
  rig.client.socket.resume()
  await until(() => rig.client.got.length === 2)
  rig.client.close(1001)
  await settle()
  expect([rig.client.got, rig.tunnel.end_]).toEqual([['binary 3000000', 'close 1001'], 'end'])
})

test('An upstream that ends while the client is being closed is not replaced.', async () => {
  for (const end of ['die', 'close'] as const) {
    const rig = new SessionRig()
    rig.session.leave('drain', 0)
    await rig.pass(10)
    if (end === 'die') rig.server.die()
    else rig.server.close(1001)
    await rig.pass(4000)
    rig.client.close(1001)
    await settle()
    expect(rig.tunnel.end_).toBe('end')
    expect(rig.asked.length).toBe(0)
    expect(rig.waits).toBe(0)
  }
})

test('One that is to leave while it has no upstream closes its client, and asks for none any more.', async () => {
  const rig = new SessionRig({ reconnect: { max: 9, backoff: { base: 60_000, cap: 60_000 }, within: 100_000 } })
  rig.server.die()
  await settle()
  rig.session.leave('drain', 1000)
  await rig.pass(1000)
  expect(rig.client.got).toEqual(['close 1001'])
  await rig.pass(70_000)
  expect(rig.asked.length).toBe(0)
})

test('No timer is left of a session that is over, wherever it stood.', async () => {
  const stands: readonly ((rig: SessionRig) => Promise<void> | void)[] = [
    () => {},
    (rig) => rig.server.die(),
    (rig) => rig.server.close(1001),
    (rig) => rig.server.close(1000),
    (rig) => rig.client.close(1000),
    (rig) => rig.session.leave('reload', 50_000),
    async (rig) => {
      rig.server.die()
      await rig.pass(200)
    },
    async (rig) => {
      rig.server.die()
      await rig.grant()
    },
  ]
  for (const stand of stands) {
    const rig = new SessionRig({ ping: 1000, idle: 5000 })
    await settle()
    await stand(rig)
    await settle()
    rig.tunnel.reset({ reason: 'draining', phase: 'upgrade', origin: 'operator' })
    await rig.pass(10)
    expect(rig.clock.timers).toBe(0)
    expect(rig.told.filter((told) => told.startsWith('over')).length).toBe(1)
  }
})

test.each(Array.from({ length: 40 }, (_, seed) => seed))(
  'whatever both sides do, it ends once, and no timer is left: %i',
  async (seed) => {
    const random = seededRandom(seed)
    const rig = new SessionRig({ ping: 2000, idle: 30_000, onReconnect: ['again'] })
    const acts: readonly (() => unknown)[] = [
      () => rig.client.send('x'.repeat(random.uint32() % 3000)),
      () => rig.server.send(Buffer.alloc(random.uint32() % 3000)),
      () => rig.client.ping('p'),
      () => rig.server.pong(),
      () => rig.client.part('part', random.float() < 0.5),
      () => rig.server.die(),
      () => rig.server.close([1000, 1001, 1012, 4000][random.uint32() % 4]),
      () => rig.pass(random.float() * 1500),
      async () => void (rig.pending !== undefined && (await rig.grant([], random.float() < 0.2))),
      async () => void (rig.pending !== undefined && (await rig.refuse())),
      () => void (random.float() < 0.1 && rig.server.socket.write(Buffer.from([0xff, 0xff, 1]))),
      () => void (random.float() < 0.1 && rig.client.close(1000)),
      () => void (random.float() < 0.1 && rig.session.leave('drain', 3000)),
    ]
    for (let i = 0; i < 150; i++) {
      await acts[random.uint32() % acts.length]?.()
      if (random.float() < 0.5) await settle()
    }
    rig.client.die()
    for (let i = 0; i < 20 && rig.tunnel.end_ === undefined; i++) await rig.pass(1000)
    expect(rig.tunnel.end_).toBeDefined()
    await rig.pass(2000)
    expect(rig.told.filter((told) => told.startsWith('over')).length).toBe(1)
    expect(rig.clock.timers).toBe(0)
  },
)
