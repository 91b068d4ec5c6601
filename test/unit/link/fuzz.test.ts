import { expect, test } from 'vitest'
import { type Call, isUnavailable, type PendingAnswer } from '../../../src/core/link.ts'
import { seededRandom } from '../../../src/lib/random.ts'
import { TimerWheel } from '../../../src/lib/timers.ts'
import type { LinkPeer } from '../../../src/link/peer.ts'
import { ManualClock } from '../../kit/clock.ts'
import { memoryPorts, peerOver } from '../../kit/link-ports.ts'
import { settle } from '../../kit/until.ts'

const BOUNDS = { questions: 5, bytes: 1000 }
const STEPS = 400

/** Two sides, of which one answers when it likes, heeds that it was given up, or does not. */
class Fuzz {
  readonly clock = new ManualClock()
  readonly random: () => number
  readonly asker: LinkPeer
  readonly running = new Map<number, { readonly line: string | undefined; end(how: 'answer' | 'throw'): void }>()
  readonly asked = new Map<number, PendingAnswer<number>>()
  /** What each question came to, and at which time. */
  readonly settled = new Map<number, { readonly answer: unknown; readonly at: number }[]>()
  readonly due = new Map<number, number>()
  /** What began before its turn. */
  readonly early: string[] = []
  /** Of questions with a key: those that are answered one after the other. */
  private readonly lines = new Map<number, string>()
  /** The latest that began of each. */
  private readonly begun = new Map<string, number>()
  private latest = 0

  constructor(seed: number) {
    const random = seededRandom(seed)
    this.random = () => random.float()
    const [port1, port2] = memoryPorts()
    const timers = new TimerWheel(this.clock)
    const common = { bounds: BOUNDS, clock: this.clock, timers, fault: () => {} }
    this.asker = peerOver(port1, { ...common, find: () => undefined })
    peerOver(port2, { ...common, find: () => (value, call) => this.answer(value as number, call) })
  }

  ask(): void {
    const id = ++this.latest
    const to = this.random() < 0.5 ? 'a' : 'b'
    const key = this.random() < 0.6 ? `k${Math.floor(3 * this.random())}` : undefined
    const ms = 1 + Math.floor(200 * this.random())
    const asked = this.asker.ask<number>(to, { name: 'x', value: id, ...(key && { key }) }, ms)
    this.asked.set(id, asked)
    if (key !== undefined) this.lines.set(id, `${to} ${key}`)
    this.due.set(id, this.clock.now() + ms)
    void asked.answer.then((answer) => {
      this.settled.set(id, [...(this.settled.get(id) ?? []), { answer, at: this.clock.now() }])
    })
  }

  cancel(): void {
    pick(this.asked, this.random)?.cancel()
  }

  end(): void {
    pick(this.running, this.random)?.end(this.random() < 0.8 ? 'answer' : 'throw')
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms)
    await settle(1)
  }

  private answer(id: number, { signal }: Call): number | Promise<number> {
    const line = this.lines.get(id)
    if (line !== undefined) {
      if ([...this.running.values()].some((other) => other.line === line)) this.early.push(`${line}: ${id}`)
      if ((this.begun.get(line) ?? 0) > id) this.early.push(`${line}: ${id}`)
      this.begun.set(line, id)
    }
    const way = this.random()
    if (way < 0.2) return id
    return new Promise((resolve, reject) => {
      const end = (how: 'answer' | 'throw'): void => {
        this.running.delete(id)
        if (how === 'answer') resolve(id)
        else reject(new Error('thrown by a test'))
      }
      this.running.set(id, { line, end })
      if (way < 0.7) signal.addEventListener('abort', () => end('throw'))
    })
  }
}

function pick<T>(all: ReadonlyMap<number, T>, random: () => number): T | undefined {
  return [...all.values()][Math.floor(random() * all.size)]
}

test.each(Array.from({ length: 30 }, (_, seed) => [seed]))(
  'whatever happens in whatever order, each question settles once, in time, and leaves its place: seed %s',
  async (seed) => {
    const fuzz = new Fuzz(seed)
    for (let step = 0; step < STEPS; step++) {
      const way = fuzz.random()
      if (way < 0.4) fuzz.ask()
      else if (way < 0.5) fuzz.cancel()
      else if (way < 0.7) fuzz.end()
      else if (way < 0.85) await fuzz.pass(Math.floor(40 * fuzz.random()))
      else await settle(1)
      const most = 2 * BOUNDS.questions
      expect(fuzz.running.size).toBeLessThanOrEqual(most)
    }
    for (let ms = 0; ms < 300; ms += 20) await fuzz.pass(20)
    while (fuzz.running.size > 0) {
      fuzz.end()
      await settle(1)
    }
    expect(fuzz.settled.size).toBe(fuzz.asked.size)
    for (const [id, ends] of fuzz.settled) {
      expect(ends).toHaveLength(1)
      const [{ answer, at } = { answer: undefined, at: 0 }] = ends
      if (!isUnavailable(answer)) expect(answer).toBe(id)
      // The wheel is coarse, and time moves in steps of up to 40 ms.
      expect(at).toBeLessThanOrEqual((fuzz.due.get(id) as number) + 50)
    }
    expect(fuzz.early).toEqual([])
    // All places are free again, on both sides.
    const places = Array.from({ length: 2 * BOUNDS.questions }, (_, i) => 10_000 + i)
    const again = places.map((value) => fuzz.asker.ask(value % 2 === 0 ? 'a' : 'b', { name: 'x', value }, 500).answer)
    await settle(2)
    for (const { end } of [...fuzz.running.values()]) end('answer')
    await settle(2)
    fuzz.clock.advance(1_000)
    expect(await Promise.all(again)).toEqual(places)
    fuzz.clock.advance(20)
    expect(fuzz.clock.timers).toBe(0)
  },
)
