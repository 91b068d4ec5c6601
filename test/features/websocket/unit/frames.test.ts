import { describe, expect, test } from 'vitest'
import { NO_CODE } from '../../../../src/features/websocket/wire/closes.ts'
import {
  CLOSE,
  closeFrame,
  FrameReader,
  PING,
  PONG,
  pingFrame,
} from '../../../../src/features/websocket/wire/frames.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import {
  anyFrame,
  cutAtRandom,
  payloadOf,
  type ReadFrame,
  readFrames,
  type WrittenFrame,
  written,
} from '../../../kit/frames.ts'

const MASK = Buffer.from([0xa1, 0x02, 0xf3, 0x44])
/** A header of 14 bytes, and a control frame of 125. */
const MOST_KEPT = 138

interface Found {
  readonly opcode: number
  readonly length: number
  /** Of its first byte, from the first byte of all. */
  readonly start: number
}

/** Reads as the tunnel does. `passed`: bytes, and whether they end at a boundary, after each chunk. */
function readAll(chunks: readonly Buffer[]): { found: Found[]; passed: [bytes: number, atBoundary: boolean][] } {
  const reader = new FrameReader()
  const found: Found[] = []
  const passed: [number, boolean][] = []
  let before = 0
  let mostKept = 0
  for (const chunk of chunks) {
    const bytes = reader.take(chunk)
    let at = reader.pass(bytes, 0)
    while (reader.atBoundary && at < bytes.length) {
      const end = reader.begin(bytes, at)
      if (end < 0) {
        reader.keep(bytes, at)
        break
      }
      found.push({ opcode: reader.opcode, length: reader.length, start: before + at })
      at = reader.pass(bytes, end)
    }
    mostKept = Math.max(mostKept, bytes.length - at)
    before += at
    passed.push([before, reader.atBoundary])
  }
  expect(mostKept).toBeLessThanOrEqual(MOST_KEPT)
  return { found, passed }
}

/** What the simplest reader finds of the same bytes. */
function expected(bytes: Buffer): Found[] {
  return readFrames(bytes)
    .filter((frame) => !isShortControl(frame) || frame.end <= bytes.length)
    .map(({ opcode, start, payload, end }) => ({ opcode, start, length: end - payload }))
}

function isShortControl({ opcode, payload, end }: ReadFrame): boolean {
  return opcode >= 8 && end - payload <= 125
}

function check(chunks: readonly Buffer[]): void {
  const bytes = Buffer.concat(chunks)
  const { found, passed } = readAll(chunks)
  expect(found).toEqual(expected(bytes))
  const boundaries = new Set([0, ...readFrames(bytes).map(({ end }) => end)])
  expect(passed.filter(([count, atBoundary]) => atBoundary !== boundaries.has(count))).toEqual([])
}

const FRAMES: readonly WrittenFrame[] = [
  { opcode: 1, payload: Buffer.from('hello') },
  { opcode: 2, payload: Buffer.alloc(200), mask: MASK },
  { opcode: 1, payload: Buffer.from('a'), fin: false, reserved: 4 },
  { opcode: PING, payload: Buffer.alloc(125, 7), mask: MASK },
  { opcode: 0, payload: Buffer.alloc(0) },
  { opcode: PONG, payload: Buffer.alloc(0) },
  { opcode: 2, payload: Buffer.alloc(3), mask: MASK, extended: 8 },
  { opcode: CLOSE, payload: Buffer.from([0x03, 0xe8]), mask: MASK, extended: 2 },
]

describe('frames', () => {
  test('are found wherever the bytes are cut in two', () => {
    const bytes = Buffer.concat(FRAMES.map(written))
    for (let cut = 0; cut <= bytes.length; cut++) check([bytes.subarray(0, cut), bytes.subarray(cut)])
  })

  test('are found byte by byte, and in any two cuts of a few frames', () => {
    const bytes = Buffer.concat(FRAMES.map(written))
    check(Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)))
    const few = Buffer.concat([FRAMES[0], FRAMES[6], FRAMES[7]].map((frame) => written(frame as WrittenFrame)))
    for (let a = 0; a < few.length; a++)
      for (let b = a; b <= few.length; b++) check([few.subarray(0, a), few.subarray(a, b), few.subarray(b)])
  })

  test('of any kind, well formed or not, are found where the simplest reader finds them', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = seededRandom(seed)
      const bytes = Buffer.concat(Array.from({ length: 1 + (random.uint32() % 12) }, () => written(anyFrame(random))))
      const whole = bytes.subarray(0, random.uint32() % 2 === 0 ? bytes.length : random.uint32() % bytes.length)
      check(cutAtRandom(whole, random, [3, 40, 5_000, 100_000][seed % 4] as number))
    }
  })

  test('of random bytes: the reader goes on, and keeps no more than a head', () => {
    for (let seed = 1; seed <= 300; seed++) {
      const random = seededRandom(seed)
      const bytes = Buffer.from(Array.from({ length: 2_000 }, () => random.uint32() & 0xff))
      const { found } = readAll(cutAtRandom(bytes, random, 1 + (seed % 300)))
      const known = expected(bytes)
      // What the simplest reader calls a length of 2^63 has no end for ours.
      expect(found.map(({ start, opcode }) => [start, opcode])).toEqual(
        known.map(({ start, opcode }) => [start, opcode]),
      )
    }
  })
})

describe('a length of 64 bits', () => {
  const head = (hex: string): Buffer => Buffer.from(`827f${hex}`, 'hex')

  test.each(['8000000000000000', 'ffffffffffffffff', '8000000000000001', '0020000000000000'])(
    '%s never ends',
    (hex) => {
      const reader = new FrameReader()
      const bytes = Buffer.concat([head(hex), Buffer.alloc(100)])
      const end = reader.begin(bytes, 0)
      expect([end, reader.length]).toEqual([10, Number.POSITIVE_INFINITY])
      expect(reader.pass(bytes, end)).toBe(110)
      for (let i = 0; i < 100; i++) expect(reader.pass(bytes, 0)).toBe(110)
      expect(reader.atBoundary).toBe(false)
    },
  )

  test('that can be counted does, and is passed in one step per chunk', () => {
    const reader = new FrameReader()
    const chunk = Buffer.alloc(2 ** 20)
    expect(reader.begin(head('001fffffffffffff'), 0)).toBe(10)
    expect(reader.length).toBe(Number.MAX_SAFE_INTEGER)
    expect(reader.begin(head('0000000200000000'), 0)).toBe(10)
    let steps = 0
    while (!reader.atBoundary) {
      reader.pass(chunk, 0)
      steps++
    }
    expect(steps).toBe(2 ** 33 / 2 ** 20)
  })
})

describe('the code of a Close', () => {
  const codeOf = (frame: WrittenFrame): number => {
    const reader = new FrameReader()
    const bytes = written(frame)
    return reader.closeCode(bytes, reader.begin(bytes, 0))
  }

  test.each([[undefined], [MASK]])('is read, masked with %s or not', (mask) => {
    const masked = mask && { mask }
    for (const code of [1000, 1001, 1011, 3000, 4999, 0, 65_535]) {
      const payload = Buffer.from([code >> 8, code & 255, ...Buffer.from('a reason')])
      for (const extended of [0, 2, 8] as const)
        expect(codeOf({ opcode: CLOSE, payload, extended, ...masked })).toBe(code)
    }
  })

  test('is 1005 where there is none', () => {
    expect(codeOf({ opcode: CLOSE, payload: Buffer.alloc(0), mask: MASK })).toBe(NO_CODE)
    expect(codeOf({ opcode: CLOSE, payload: Buffer.from([3]) })).toBe(NO_CODE)
    // Longer than a control frame may be: it is passed on as it comes.
    expect(codeOf({ opcode: CLOSE, payload: Buffer.alloc(126), mask: MASK })).toBe(NO_CODE)
  })
})

describe('frames of ours', () => {
  test('are whole, final and masked towards a server only', () => {
    for (const mask of [undefined, 0xdeadbeef]) {
      const bytes = Buffer.concat([closeFrame(1001, mask), pingFrame(0xffffffff, 2, mask)])
      const [close, ping] = readFrames(bytes) as [ReadFrame, ReadFrame]
      expect([close.opcode, close.fin, close.mask?.readUInt32BE()]).toEqual([CLOSE, true, mask])
      expect(payloadOf(bytes, close).readUInt16BE()).toBe(1001)
      expect([ping.opcode, ping.fin, ping.end]).toEqual([PING, true, bytes.length])
      expect(payloadOf(bytes, ping).toString('hex')).toBe('ffffffff00000002')
    }
  })

  test.each([0, 999, 1004, 1005, 1006, 1015, 2000, 2999, 5000, 65535])(
    'a Close has no code that may not be sent: %i',
    (code) => {
      expect(closeFrame(code, undefined).toString('hex')).toBe('8800')
      expect(closeFrame(code, 1).toString('hex')).toBe('888000000001')
    },
  )

  test.each([1000, 1014, 3000, 4999])('a Close has one that may: %i', (code) => {
    expect(closeFrame(code, undefined).readUInt16BE(2)).toBe(code)
  })

  test('are known again in a Pong, masked or not', () => {
    const reader = new FrameReader()
    const holds = (payload: string, mask?: Buffer): boolean => {
      const bytes = written({ opcode: PONG, payload: Buffer.from(payload, 'hex'), ...(mask && { mask }) })
      return reader.holds(bytes, reader.begin(bytes, 0), 0xfffffff0, 7)
    }
    expect(holds('fffffff000000007')).toBe(true)
    expect(holds('fffffff000000007', MASK)).toBe(true)
    expect(holds('fffffff000000006')).toBe(false)
    expect(holds('fffffff000000006', MASK)).toBe(false)
    expect(holds('fffffff00000000700')).toBe(false)
    expect(holds('')).toBe(false)
  })
})
