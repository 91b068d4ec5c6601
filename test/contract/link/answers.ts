import type { Answer, Answers } from '../../../src/core/link.ts'
import type { Clock } from '../../../src/lib/clock.ts'

/** What an answering side has done so far: words of shared memory, which outlive it and its way to the asker. */
export const Did = { begun: 0, aborted: 1, faults: 2 } as const

export class Deeds {
  readonly memory: SharedArrayBuffer
  private readonly words: Int32Array

  constructor(memory = new SharedArrayBuffer(4 * Object.keys(Did).length)) {
    this.memory = memory
    this.words = new Int32Array(memory)
  }

  count(what: keyof typeof Did): void {
    Atomics.add(this.words, Did[what], 1)
  }

  of(what: keyof typeof Did): number {
    return Atomics.load(this.words, Did[what])
  }
}

/** What every answering side of the suite answers, to `a` and to `b`. */
export function testAnswers(clock: Clock, deeds: Deeds): (to: string, name: string) => Answer | undefined {
  const order: unknown[] = []
  const waiting: (() => void)[] = []
  const answers: Answers = {
    echo: (value) => value,
    later: (value) => new Promise((resolve) => clock.after(1, () => resolve(value))),
    /** Never, unless it is given up. */
    never: (_, { signal }) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    /** Goes on after it was given up, until `release`. */
    stubborn: (value) => new Promise<unknown>((resolve) => waiting.push(() => resolve(value))),
    release: () => waiting.splice(0).map((release) => release()).length,
    /** Writes down when it begins, and ends `ms` later. */
    ordered: ({ is, ms }: { is: string; ms: number }) => {
      order.push(is)
      return ms === 0 ? is : new Promise((resolve) => clock.after(ms, () => resolve(is)))
    },
    order: () => order,
    left: (_, { until }) => until - clock.now(),
    throws: () => {
      throw new Error('thrown by a test')
    },
    rejects: () => Promise.reject(new Error('rejected by a test')),
    uncloneable: () => () => {},
    unavailable: () => ({ unavailable: 'full' }),
    large: (bytes: number) => 'x'.repeat(bytes),
    circle: () => {
      const circle: unknown[] = []
      circle.push(circle)
      return circle
    },
  }
  return (to, name) => {
    if ((to !== 'a' && to !== 'b') || !Object.hasOwn(answers, name)) return undefined
    return (value, call) => {
      deeds.count('begun')
      if (name !== 'echo' && name !== 'order') call.signal.addEventListener('abort', () => deeds.count('aborted'))
      return answers[name]?.(value, call)
    }
  }
}
