import { beforeEach, describe, expect, test } from 'vitest'
import type { Failure } from '../../../../src/core/failures.ts'
import type { SeenTunnel, TunnelSide, TunnelStage } from '../../../../src/core/tunnel.ts'
import { TunnelFacts } from '../../../../src/core/tunnel.ts'
import { websocket } from '../../../../src/features/websocket/feature.ts'
import { CLOSE, PING, PONG } from '../../../../src/features/websocket/wire/frames.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import { TimerWheel } from '../../../../src/lib/timers.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { exchange } from '../../../kit/exchange.ts'
import { CompiledUse, CountedMetrics } from '../../../kit/feature.ts'
import { cutAtRandom, payloadOf, readFrames, type WrittenFrame, written } from '../../../kit/frames.ts'

const MASK = Buffer.from([1, 2, 3, 4])
const SIDES = ['client', 'upstream'] as const

/** Two sides that keep what they got, with a stage between them. */
class Pair implements SeenTunnel {
  readonly facts = new TunnelFacts('websocket')
  readonly got: Readonly<Record<TunnelSide, Buffer[]>> = { client: [], upstream: [] }
  readonly stage: TunnelStage
  readonly clock = new ManualClock()
  readonly metrics = new CountedMetrics()
  readonly ex = exchange()
  blocked = false
  /** How it was ended. */
  ended: { readonly why: Failure | undefined; readonly at: number } | undefined

  constructor(options: object, seed = 1) {
    const { clock, metrics } = this
    const { policies } = new CompiledUse(websocket, options, {
      clock,
      metrics,
      timers: new TimerWheel(clock),
      random: seededRandom(seed),
    })
    this.ex.upgrade = 'websocket'
    this.ex.tunnel = this.facts
    this.stage = policies.frames?.tunnel?.(this.ex) as TunnelStage
    this.stage.start(this)
  }

  inject(to: TunnelSide, bytes: Buffer): void {
    expect(this.ended).toBe(undefined)
    this.got[to].push(bytes)
  }

  end(why: Failure | undefined): void {
    expect(this.ended).toBe(undefined)
    this.ended = { why, at: this.clock.now() }
    this.stage.over()
  }

  reset(): void {
    throw new Error('not asked for')
  }

  /** Bytes that a side sends; what goes on. */
  sends(from: TunnelSide, bytes: Buffer): Buffer | readonly Buffer[] | undefined {
    const out = this.stage.push(from, bytes)
    const to = from === 'client' ? 'upstream' : 'client'
    this.got[to].push(...(out === undefined ? [] : Buffer.isBuffer(out) ? [out] : out))
    return out
  }

  /** A frame, masked as it must be. */
  frame(from: TunnelSide, frame: WrittenFrame): Buffer | readonly Buffer[] | undefined {
    return this.sends(from, frameOf(from, frame))
  }

  text(from: TunnelSide, text = 'hello'): Buffer | readonly Buffer[] | undefined {
    return this.frame(from, { opcode: 1, payload: Buffer.from(text) })
  }

  close(from: TunnelSide, code: number): void {
    this.frame(from, { opcode: CLOSE, payload: Buffer.from([code >> 8, code & 255]) })
  }

  bytes(side: TunnelSide): Buffer {
    return Buffer.concat(this.got[side])
  }

  /** What a side got, as `opcode:payload`; its bytes must end at a boundary. */
  read(side: TunnelSide): string[] {
    const bytes = this.bytes(side)
    const frames = readFrames(bytes)
    expect(frames.at(-1)?.end ?? 0).toBe(bytes.length)
    return frames.map((frame) => {
      expect([side, frame.mask !== undefined]).toEqual([side, side === 'upstream'])
      const payload = payloadOf(bytes, frame)
      if (frame.opcode === CLOSE) return `close ${payload.length === 0 ? '' : payload.readUInt16BE()}`
      if (frame.opcode === PING || frame.opcode === PONG)
        return `${frame.opcode === PING ? 'ping' : 'pong'} ${payload.toString('hex')}`
      return payload.toString()
    })
  }

  /** Payload of the latest Ping that a side got. */
  pinged(side: TunnelSide): Buffer {
    const bytes = this.bytes(side)
    const ping = readFrames(bytes).findLast(({ opcode }) => opcode === PING)
    if (ping === undefined) throw new Error('no ping')
    return payloadOf(bytes, ping)
  }

  count(metric: string): number {
    return this.metrics.counts.get(metric) ?? 0
  }

  get decisions(): unknown[] {
    return [...(this.ex.notes?.kept ?? [])].map((note) => 'facts' in note && note.facts)
  }
}

function frameOf(from: TunnelSide, frame: WrittenFrame): Buffer {
  return written({ ...frame, ...(from === 'client' && { mask: MASK }) })
}

let pair: Pair
beforeEach(() => {
  pair = new Pair({})
})

describe('bytes', () => {
  test('pass as they are, the same chunk where no head is split', () => {
    for (const from of SIDES) {
      const chunk = Buffer.concat([1, 2, 9, 10].map((opcode) => frameOf(from, { opcode, payload: Buffer.from('abc') })))
      expect(pair.sends(from, chunk)).toBe(chunk)
      const begun = frameOf(from, { opcode: 2, payload: Buffer.alloc(100_000) })
      const first = begun.subarray(0, 60_000)
      expect(pair.sends(from, first)).toBe(first)
      const rest = begun.subarray(60_000)
      expect(pair.sends(from, rest)).toBe(rest)
    }
  })

  test('pass in their order whatever they are and however they are cut, the rest of a head with the end', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = seededRandom(seed)
      pair = new Pair({ ping: '1s', idle: '2s' }, seed)
      const bytes = Buffer.from(Array.from({ length: 500 }, () => random.uint32() & 0xff))
      for (const chunk of cutAtRandom(bytes, random, 1 + (seed % 50))) pair.sends('client', chunk)
      pair.stage.closed('client')
      expect(pair.bytes('upstream').equals(bytes)).toBe(true)
    }
  })

  test('are counted by kind and side', () => {
    pair.frame('client', { opcode: 1, fin: false, payload: Buffer.alloc(10) })
    pair.frame('client', { opcode: 0, payload: Buffer.alloc(5) })
    pair.frame('client', { opcode: 2, payload: Buffer.alloc(70_000) })
    pair.frame('upstream', { opcode: PING, payload: Buffer.alloc(3) })
    pair.frame('upstream', { opcode: 3, payload: Buffer.alloc(4) })
    pair.frame('upstream', { opcode: 11, payload: Buffer.alloc(200) })
    expect(Object.fromEntries(pair.metrics.counts)).toEqual({
      'sluice_websocket_frames_total r,client,text': 1,
      'sluice_websocket_frames_total r,client,continuation': 1,
      'sluice_websocket_frames_total r,client,binary': 1,
      'sluice_websocket_frames_total r,upstream,ping': 1,
      'sluice_websocket_frames_total r,upstream,other': 2,
      'sluice_websocket_payload_bytes_total r,client,text': 10,
      'sluice_websocket_payload_bytes_total r,client,continuation': 5,
      'sluice_websocket_payload_bytes_total r,client,binary': 70_000,
      'sluice_websocket_payload_bytes_total r,upstream,ping': 3,
      'sluice_websocket_payload_bytes_total r,upstream,other': 204,
    })
    expect(pair.facts).toMatchObject({ framesFromClient: 3, framesFromUpstream: 3 })
  })
})

describe('the Close of a side', () => {
  test('passes as it is, its code is read, and who closed first is counted', () => {
    pair.close('upstream', 4001)
    pair.close('client', 4001)
    pair.stage.over()
    expect([pair.read('client'), pair.read('upstream')]).toEqual([['close 4001'], ['close 4001']])
    expect(pair.facts).toMatchObject({ codeFromClient: 4001, codeFromUpstream: 4001 })
    expect(pair.count('sluice_websocket_closes_total r,upstream,4xxx')).toBe(1)
  })

  test.each([
    [undefined, '1005', 1005],
    [1000, '1000', 1000],
    [1011, '1011', 1011],
    [3000, '3xxx', 3000],
    [5000, 'other', 5000],
    [1999, 'other', 1999],
    [0, '1005', 1005],
  ])('%s is counted as %s', (code, label, seen) => {
    const payload = code === undefined ? Buffer.alloc(0) : Buffer.from([code >> 8, code & 255])
    pair.frame('client', { opcode: CLOSE, payload })
    pair.stage.over()
    expect(pair.facts.codeFromClient).toBe(seen)
    expect(pair.count(`sluice_websocket_closes_total r,client,${label}`)).toBe(1)
  })

  test('that did not come is 1006, by who ended the connection', () => {
    pair.text('client')
    pair.facts.endedBy = 'upstream'
    pair.stage.over()
    expect(pair.count('sluice_websocket_closes_total r,upstream,1006')).toBe(1)
  })
})

describe('a drain', () => {
  /** Until the moment that was drawn. */
  const drawn = (ms: number): void => {
    pair.stage.leave('drain', ms)
    while (pair.decisions.length === 0) pair.clock.advance(10)
  }

  test('closes both sides with 1001: the client first, and the upstream in the place of its answer', () => {
    drawn(30_000)
    expect([pair.read('client'), pair.read('upstream')]).toEqual([['close 1001'], []])
    expect(pair.text('client', 'last words')).toBeInstanceOf(Buffer)
    expect(pair.text('upstream', 'too late')).toBe(undefined)
    pair.close('client', 1001)
    expect(pair.read('upstream')).toEqual(['last words', 'close 1001'])
    expect(pair.ended).toBe(undefined)
    pair.close('upstream', 1001)
    pair.clock.advance(10)
    expect(pair.ended).toMatchObject({ why: undefined })
    expect(pair.read('client')).toEqual(['close 1001'])
    expect(pair.decisions).toEqual([{ code: 1001, why: 'drain' }])
    expect(pair.count('sluice_websocket_closes_total r,sluice,1001')).toBe(1)
  })

  test('answers with 1001 whatever the client answers, and lets nothing follow', () => {
    drawn(30_000)
    pair.frame('client', { opcode: CLOSE, payload: Buffer.alloc(0) })
    pair.text('client', 'behind its Close')
    expect(pair.read('upstream')).toEqual(['close 1001'])
  })

  test('waits for a boundary in each direction', () => {
    const [a, b] = SIDES.map((from) => frameOf(from, { opcode: 2, payload: Buffer.from('a long payload') })) as [
      Buffer,
      Buffer,
    ]
    pair.sends('client', a.subarray(0, 15))
    pair.sends('upstream', b.subarray(0, 9))
    drawn(30_000)
    expect(pair.bytes('client').equals(b.subarray(0, 9))).toBe(true)
    pair.sends(
      'upstream',
      Buffer.concat([b.subarray(9), frameOf('upstream', { opcode: 1, payload: Buffer.from('x') })]),
    )
    expect(pair.read('client')).toEqual(['a long payload', 'close 1001'])
    // The client does not answer: the upstream gets its Close at half of the time.
    pair.clock.advance(2_510)
    expect(pair.bytes('upstream').equals(a.subarray(0, 15))).toBe(true)
    pair.sends('client', a.subarray(15))
    expect(pair.read('upstream')).toEqual(['a long payload', 'close 1001'])
  })

  test('gives a long frame to the client all the time that there is, and its answer its time behind that', () => {
    const long = frameOf('upstream', { opcode: 2, payload: Buffer.alloc(200) })
    pair.sends('upstream', long.subarray(0, 100))
    pair.stage.leave('drain', 60_000)
    pair.clock.advance(58_000)
    expect(pair.ended).toBe(undefined)
    pair.sends('upstream', long.subarray(100))
    expect(pair.read('client').at(-1)).toBe('close 1001')
    pair.clock.advance(1_010)
    expect([pair.read('upstream'), pair.ended]).toEqual([['close 1001'], undefined])
    pair.clock.advance(1_010)
    expect(pair.ended?.why).toBe(undefined)
    expect(pair.ended?.at).toBeLessThanOrEqual(61_020)
  })

  test('does not cut a head that was not passed on', () => {
    const text = frameOf('upstream', { opcode: 1, payload: Buffer.from('x') })
    pair.sends('upstream', text.subarray(0, 1))
    drawn(30_000)
    expect(pair.read('client')).toEqual(['close 1001'])
    expect(pair.sends('upstream', text.subarray(1))).toBe(undefined)
  })

  test.each([0, 1, 100, 10_000, 60_000])('of %i ms ends it within that, though nobody answers', (ms) => {
    for (let seed = 1; seed <= 20; seed++) {
      pair = new Pair({}, seed)
      const now = pair.clock.now()
      pair.stage.leave('drain', ms)
      for (let i = 0; i < ms + 100; i += 10) pair.clock.advance(10)
      expect(pair.ended?.why).toBe(undefined)
      expect(pair.ended?.at).toBeLessThanOrEqual(now + ms + 20)
      expect([pair.read('client'), pair.read('upstream')]).toEqual([['close 1001'], ['close 1001']])
    }
  })

  test('is spread over the time, less what closing takes', () => {
    const moments: number[] = []
    for (let seed = 1; seed <= 200; seed++) {
      pair = new Pair({}, seed)
      pair.stage.leave('reload', 30_000)
      let at = 0
      while (pair.read('client').length === 0) {
        pair.clock.advance(100)
        at += 100
      }
      moments.push(at)
    }
    const share = (from: number, to: number): number => moments.filter((at) => at > from && at <= to).length
    expect(Math.max(...moments)).toBeLessThanOrEqual(25_100)
    for (let from = 0; from < 25_000; from += 5_000) expect(share(from, from + 5_000)).toBeGreaterThan(20)
  })

  test('that follows a reload takes the earlier moment, and the shorter time', () => {
    pair.stage.leave('reload', 60_000)
    pair.stage.leave('drain', 1_000)
    for (let i = 0; i < 110; i++) pair.clock.advance(10)
    expect(pair.ended).toBeDefined()
    pair = new Pair({ idle: '1s' })
    pair.clock.advance(1_010)
    pair.stage.leave('drain', 100)
    pair.clock.advance(110)
    expect(pair.ended).toBeDefined()
  })

  test('leaves sides alone that are closing, and ends them in time', () => {
    pair.close('client', 1000)
    pair.stage.leave('drain', 2_000)
    pair.clock.advance(1_010)
    expect([pair.read('client'), pair.read('upstream'), pair.ended]).toEqual([[], ['close 1000'], undefined])
    pair.close('upstream', 1000)
    expect(pair.read('client')).toEqual(['close 1000'])
    pair.clock.advance(10)
    expect(pair.ended).toMatchObject({ why: undefined })
    expect(pair.decisions).toEqual([])
    expect(pair.count('sluice_websocket_closes_total r,client,1000')).toBe(1)
  })

  test('of a WebSocket whose frames are lost ends it in time', () => {
    pair.sends('client', Buffer.from('82ff8000000000000000', 'hex'))
    pair.sends('upstream', Buffer.from('827fffffffffffffffff', 'hex'))
    pair.text('client')
    drawn(10_000)
    pair.clock.advance(10_010)
    expect(pair.ended).toMatchObject({ why: undefined })
  })

  test('after a FIN of the client gives the upstream its Close at once', () => {
    drawn(30_000)
    pair.stage.closed('client')
    expect(pair.read('upstream')).toEqual(['close 1001'])
    pair.stage.closed('upstream')
    pair.clock.advance(10)
    expect(pair.ended).toBeDefined()
  })
})

describe('maxFrame', () => {
  beforeEach(() => {
    pair = new Pair({ maxFrame: '1KiB' })
  })

  test.each(SIDES)('of the %s: what is larger closes both sides with 1009, and none of it is passed on', (from) => {
    const to = from === 'client' ? 'upstream' : 'client'
    pair.frame(from, { opcode: 2, payload: Buffer.alloc(1024, 'a') })
    const large = frameOf(from, { opcode: 1, payload: Buffer.alloc(1025) })
    pair.sends(from, Buffer.concat([frameOf(from, { opcode: 1, payload: Buffer.from('b') }), large.subarray(0, 3)]))
    expect(pair.read(to)).toEqual(['a'.repeat(1024), 'b'])
    pair.sends(from, large.subarray(3, 500))
    expect(pair.read(to)).toEqual(['a'.repeat(1024), 'b', 'close 1009'])
    expect(pair.read(from)).toEqual(['close 1009'])
    expect(pair.sends(from, large.subarray(500))).toBe(undefined)
    pair.text(from, 'more')
    pair.close(from, 1009)
    pair.close(to, 1009)
    pair.clock.advance(10)
    expect(pair.ended?.why).toMatchObject({ reason: 'body_too_large', origin: from })
    expect([pair.read(to).length, pair.read(from)]).toEqual([3, ['close 1009']])
    expect(pair.decisions).toEqual([{ code: 1009, why: `frame_from_${from}` }])
  })

  test('waits for a boundary on the way back', () => {
    const begun = frameOf('upstream', { opcode: 1, payload: Buffer.from('begun') })
    pair.sends('upstream', begun.subarray(0, 4))
    pair.frame('client', { opcode: 2, payload: Buffer.alloc(2000) })
    expect(pair.read('upstream')).toEqual(['close 1009'])
    pair.sends('upstream', begun.subarray(4))
    expect(pair.read('client')).toEqual(['begun', 'close 1009'])
  })

  test('takes a length that has no end for what it is, and ends it though nothing answers', () => {
    pair.sends('client', Buffer.from('82ffffffffffffffffff00000000', 'hex'))
    expect([pair.read('client'), pair.read('upstream')]).toEqual([['close 1009'], ['close 1009']])
    for (let i = 0; i < 50; i++) {
      expect(pair.sends('client', Buffer.alloc(65_536))).toBe(undefined)
      pair.clock.advance(101)
    }
    expect(pair.ended).toBeDefined()
  })
})

describe('ping', () => {
  beforeEach(() => {
    pair = new Pair({ ping: '30s' })
  })

  test('asks a side that is silent, takes its answer, and asks again', () => {
    for (let i = 1; i <= 3; i++) {
      pair.clock.advance(30_010)
      for (const side of SIDES) {
        expect(pair.read(side).filter((frame) => frame.startsWith('ping'))).toHaveLength(i)
        pair.frame(side, { opcode: PONG, payload: pair.pinged(side) })
      }
    }
    // Pongs of ours have not reached the other side.
    for (const side of SIDES) expect(pair.read(side)).toHaveLength(3)
    expect(pair.ended).toBe(undefined)
    expect(pair.count('sluice_websocket_pings_total r,client')).toBe(3)
    expect(pair.count('sluice_websocket_frames_total r,client,pong')).toBe(0)
  })

  test('takes one answer out for each Ping, wherever it stands, and lets others pass', () => {
    const pong = (payload: Buffer): Buffer => frameOf('client', { opcode: PONG, payload })
    const text = frameOf('client', { opcode: 1, payload: Buffer.from('t') })
    const foreign = Buffer.from('foreign')
    for (let cut = 0; cut <= 56; cut++) {
      pair = new Pair({ ping: '30s' })
      pair.clock.advance(30_010)
      pair.got.upstream.length = 0
      const ours = pair.pinged('client')
      const bytes = Buffer.concat([text, pong(ours), pong(foreign), text, pong(ours)])
      expect(bytes.length).toBe(55)
      pair.sends('client', bytes.subarray(0, cut))
      pair.sends('client', bytes.subarray(cut))
      expect(pair.read('upstream')).toEqual([
        't',
        `pong ${foreign.toString('hex')}`,
        't',
        `pong ${ours.toString('hex')}`,
      ])
    }
  })

  test('any byte is an answer, and a Ping of a side passes', () => {
    pair.clock.advance(30_010)
    pair.text('client')
    pair.frame('upstream', { opcode: PING, payload: Buffer.from('mine') })
    pair.clock.advance(29_000)
    expect(pair.ended).toBe(undefined)
    expect(pair.read('client').at(-1)).toBe(`ping ${Buffer.from('mine').toString('hex')}`)
    pair.clock.advance(1_100)
    expect(pair.read('upstream').filter((frame) => frame.startsWith('ping'))).toHaveLength(2)
  })

  test.each([
    ['client', 'client_gone', 'client_silent'],
    ['upstream', 'idle_timeout', 'upstream_silent'],
  ] as const)('ends it where the %s does not answer', (silent, reason, why) => {
    const lives = silent === 'client' ? 'upstream' : 'client'
    for (let i = 0; i < 7; i++) {
      pair.clock.advance(10_000)
      if (!pair.read(lives).includes('close 1001')) pair.text(lives, 'x')
    }
    expect(pair.decisions).toEqual([{ code: 1001, why }])
    expect(pair.read(silent).at(-1)).toBe('close 1001')
    if (lives === 'client') pair.close('client', 1001)
    expect(pair.read('upstream').at(-1)).toBe('close 1001')
    pair.clock.advance(5_010)
    expect(pair.ended?.why).toMatchObject({ reason, origin: silent, rule: 'no_pong' })
  })

  test('judges nobody while bytes wait for a side', () => {
    pair.clock.advance(30_010)
    pair.blocked = true
    for (let i = 0; i < 10; i++) pair.clock.advance(30_000)
    expect(pair.decisions).toEqual([])
    pair.blocked = false
    pair.clock.advance(30_010)
    expect(pair.read('client').filter((frame) => frame.startsWith('ping'))).toHaveLength(2)
    pair.clock.advance(30_010)
    expect(pair.decisions).toHaveLength(1)
  })

  test('stands at boundaries only, and never behind a Close or a FIN', () => {
    const begun = frameOf('upstream', { opcode: 1, payload: Buffer.from('begun') })
    pair.sends('upstream', begun.subarray(0, 4))
    for (let i = 0; i < 5; i++) {
      pair.clock.advance(29_000)
      pair.frame('client', { opcode: PONG, payload: Buffer.from('unasked') })
      pair.sends('upstream', Buffer.alloc(0))
    }
    expect(pair.bytes('client').equals(begun.subarray(0, 4))).toBe(true)
    pair = new Pair({ ping: '30s' })
    pair.close('client', 1000)
    pair.stage.closed('upstream')
    for (let i = 0; i < 5; i++) pair.clock.advance(30_000)
    expect([pair.read('client'), pair.read('upstream')]).toEqual([[], ['close 1000']])
    expect(pair.decisions).toEqual([])
  })
})

describe('idle', () => {
  beforeEach(() => {
    pair = new Pair({ idle: '60s' })
  })

  test('closes with 1001 where no message came for so long, whatever Pings say', () => {
    for (let i = 0; i < 5; i++) {
      pair.clock.advance(11_000)
      pair.frame('client', { opcode: PING, payload: Buffer.from('a') })
      pair.frame('upstream', { opcode: PONG, payload: Buffer.from('a') })
    }
    expect(pair.decisions).toEqual([])
    pair.clock.advance(5_010)
    expect(pair.decisions).toEqual([{ code: 1001, why: 'idle' }])
    pair.close('client', 1001)
    pair.close('upstream', 1001)
    pair.clock.advance(10)
    expect(pair.ended).toMatchObject({ why: undefined })
  })

  test('counts from the latest byte of a message, in either direction', () => {
    const long = frameOf('upstream', { opcode: 2, payload: Buffer.alloc(20) })
    pair.sends('upstream', long.subarray(0, 2))
    for (const byte of long.subarray(2)) {
      pair.clock.advance(50_000)
      pair.sends('upstream', Buffer.from([byte]))
    }
    expect(pair.decisions).toEqual([])
    pair.clock.advance(60_010)
    expect(pair.decisions).toHaveLength(1)
  })
})

test('a WebSocket without limits has no timer', () => {
  const { clock } = pair
  expect(clock.timers).toBe(0)
  pair.text('client')
  expect(clock.timers).toBe(0)
})

test('what is over leaves no timer', () => {
  pair = new Pair({ ping: '1s', idle: '5s' })
  pair.stage.over()
  pair.clock.advance(60_000)
  expect(pair.got).toEqual({ client: [], upstream: [] })
})
