import { afterEach, describe, expect, test } from 'vitest'
import type { Failure } from '../../src/core/failures.ts'
import { AT_HAND_BYTES, type Source, type SourceEvents } from '../../src/core/source.ts'
import { until } from '../kit/until.ts'

/** One source, and what it holds while it is not over. */
export interface MadeSource {
  readonly source: Source
  /** Whether all that it holds was given back. */
  readonly released: () => boolean | Promise<boolean>
}

/** How an implementation is made; what it cannot be made to do is left out. */
export interface SourceKind {
  /** Of exactly these bytes. */
  readonly make: (body: Buffer) => MadeSource | Promise<MadeSource>
  /** One that fails after some of them. */
  readonly broken?: (body: Buffer) => MadeSource | Promise<MadeSource>
  /** Its chunks come in turns of their own: it can be paused and cancelled in between. */
  readonly inTurns: boolean
}

/** Writes down what a source tells, and does what a test says at each chunk. */
class Reader implements SourceEvents {
  readonly chunks: Buffer[] = []
  ended = 0
  failures: (Failure | Error)[] = []
  private readonly onChunk: (reader: Reader) => void

  constructor(onChunk: (reader: Reader) => void = () => {}) {
    this.onChunk = onChunk
  }

  data(chunk: Buffer): void {
    if (this.over) throw new Error('a chunk after the end')
    this.chunks.push(chunk)
    this.onChunk(this)
  }

  end(): void {
    this.ended++
  }

  fail(why: Failure | Error): void {
    this.failures.push(why)
  }

  get over(): boolean {
    return this.ended + this.failures.length > 0
  }

  get body(): Buffer {
    return Buffer.concat(this.chunks)
  }
}

/** Long enough for whatever was in progress. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

const LARGE = Buffer.from(Array.from({ length: 300_000 }, (_, i) => i % 251))

/** What every source must do. */
export function describeSource(name: string, { broken, inTurns, make }: SourceKind): void {
  describe(`${name}: a source`, () => {
    const made: MadeSource[] = []
    const one = async (body: Buffer): Promise<MadeSource> => {
      const source = await make(body)
      made.push(source)
      return source
    }

    afterEach(async () => {
      for (const { released, source } of made.splice(0)) {
        source.cancel()
        await until(released, 'all is given back')
      }
    })

    test.each([0, 1, 1_000, LARGE.length])('gives all of its %i bytes, then its end, once', async (size) => {
      const body = LARGE.subarray(0, size)
      const { released, source } = await one(body)
      const reader = new Reader()
      source.start(reader)
      await until(() => reader.over, 'the end')
      await settled()
      expect(reader.body.equals(body)).toBe(true)
      expect([reader.ended, reader.failures]).toEqual([1, []])
      expect([undefined, size]).toContain(source.length)
      await until(released, 'all is given back at the end')
    })

    test('keeps to its length', async () => {
      const { source } = await one(LARGE)
      const { length } = source
      const reader = new Reader()
      source.start(reader)
      await until(() => reader.over, 'the end')
      expect(source.length).toBe(length)
    })

    test('that was never started gives back what it holds when it is cancelled, and is silent then', async () => {
      const { released, source } = await one(LARGE)
      source.cancel()
      await until(released, 'all is given back')
      const reader = new Reader()
      source.start(reader)
      source.resume()
      await settled()
      expect([reader.chunks.length, reader.over]).toEqual([0, false])
    })

    test.each(['data', 'later'])('tells nothing after cancel (%s)', async (when) => {
      const { released, source } = await one(LARGE)
      const reader = new Reader(() => {
        if (when === 'data') source.cancel()
      })
      source.start(reader)
      if (when === 'later') source.cancel()
      const before = reader.chunks.length
      await settled()
      const over = reader.over
      if (inTurns || when === 'data') {
        expect(over).toBe(false)
        expect(reader.chunks.length).toBe(when === 'data' ? 1 : before)
      }
      source.cancel()
      source.cancel()
      source.pause()
      source.resume()
      await settled()
      expect(reader.over).toBe(over)
      await until(released, 'all is given back')
    })

    test('pauses and goes on, as often as it is told to, and loses nothing', async () => {
      const { source } = await one(LARGE)
      let paused = 0
      const reader = new Reader(() => {
        paused++
        source.pause()
        setTimeout(() => source.resume(), paused % 3)
      })
      source.start(reader)
      await until(() => reader.over, 'the end')
      expect(reader.body.equals(LARGE)).toBe(true)
    })

    test('may be told to resume when it is not paused', async () => {
      const { source } = await one(LARGE)
      const reader = new Reader(() => {
        source.resume()
        source.resume()
      })
      source.start(reader)
      source.resume()
      await until(() => reader.over, 'the end')
      expect(reader.body.equals(LARGE)).toBe(true)
    })

    if (inTurns) {
      test('gives no more than it has at hand while it is paused', async () => {
        const { released, source } = await one(LARGE)
        const reader = new Reader(() => source.pause())
        source.start(reader)
        await until(() => reader.chunks.length > 0, 'the first chunk')
        const first = reader.body.length
        await settled()
        expect(reader.body.length - first).toBeLessThanOrEqual(AT_HAND_BYTES)
        expect(reader.over).toBe(false)
        source.cancel()
        await until(released, 'all is given back')
      })

      test('that is paused before it starts waits', async () => {
        const { source } = await one(LARGE)
        const reader = new Reader()
        source.pause()
        source.start(reader)
        await settled()
        expect(reader.body.length).toBeLessThanOrEqual(AT_HAND_BYTES)
        source.resume()
        await until(() => reader.over, 'the end')
        expect(reader.body.equals(LARGE)).toBe(true)
      })
    }

    if (broken !== undefined) {
      test('that breaks says so once, never its end, and gives back what it holds', async () => {
        const { released, source } = await broken(LARGE)
        const reader = new Reader()
        source.start(reader)
        await until(() => reader.over, 'the failure')
        source.cancel()
        source.resume()
        await settled()
        expect([reader.ended, reader.failures.length]).toEqual([0, 1])
        expect(reader.body.equals(LARGE.subarray(0, reader.body.length))).toBe(true)
        expect(reader.body.length).toBeLessThan(LARGE.length)
        await until(released, 'all is given back')
      })
    }
  })
}
