import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AnswerMessage, AskMessage, PendingAnswer } from '../../src/core/link.ts'
import { until } from '../kit/until.ts'
import { BOUNDS } from './link/bounds.ts'
import { type LinkRig, RIGS, settled } from './link/rigs.ts'

/** For what is to be answered, on a busy machine, too. */
const LONG_MS = 30_000
const SHORT_MS = 30

describe.each(RIGS)('questions over %s', (_, make) => {
  let rig: LinkRig
  beforeEach(() => {
    rig = make()
  })
  afterEach(() => rig.close())

  const ask = (name: string, value?: unknown, deadlineMs = LONG_MS, to = 'a'): PendingAnswer<unknown> =>
    rig.asker.ask(to, { name, value }, deadlineMs)
  const inLine = (key: string, name: string, value?: unknown, deadlineMs = LONG_MS): PendingAnswer<unknown> =>
    rig.asker.ask('a', { name, value, key }, deadlineMs)
  const answerTo = (asked: PendingAnswer<unknown>): Promise<unknown> => settled(rig, asked)
  const answer = (name: string, value?: unknown): Promise<unknown> => answerTo(ask(name, value))
  const begun = async (count: number): Promise<void> => {
    await rig.pass(0)
    await until(() => rig.deeds.of('begun') >= count, `${count} answers begun`)
  }

  describe('are answered', () => {
    test.each([
      ['undefined', undefined],
      ['null', null],
      ['a text', 'é'],
      ['bytes', new Uint8Array([1, 2, 3])],
      ['a map of lists', new Map([['a', [1, { b: 2n }]]])],
    ])('with %s', async (_, value) => {
      expect(await answer('echo', value)).toEqual(value)
      expect(await answer('later', value)).toEqual(value)
    })

    test('each with its own answer, however they overlap', async () => {
      const all = [ask('later', 1), ask('echo', 2), ask('later', 3), ask('echo', 4)]
      expect(await Promise.all(all.map(answerTo))).toEqual([1, 2, 3, 4])
    })

    test('with a copy: neither side sees what the other changes', async () => {
      const list = [1]
      const asked = ask('later', list)
      list.push(2)
      expect(await answerTo(asked)).toEqual([1])
      expect(list).toEqual([1, 2])
    })

    test('knowing how long the asker waits', async () => {
      const left = (await answer('left')) as number
      expect(left).toBeGreaterThan(0)
      expect(left).toBeLessThanOrEqual(LONG_MS)
    })

    test('by what the answering side says is unavailable', async () => {
      expect(await answer('unavailable')).toEqual({ unavailable: 'full' })
    })
  })

  describe('are bounded', () => {
    const fill = (to = 'a'): PendingAnswer<unknown>[] =>
      Array.from({ length: BOUNDS.questions }, () => ask('never', undefined, LONG_MS, to))

    test('in number, each side that is asked on its own', async () => {
      const all = fill()
      expect(await ask('echo').answer).toEqual({ unavailable: 'full' })
      expect(await answerTo(ask('echo', 1, LONG_MS, 'b'))).toBe(1)
      for (const asked of all) asked.cancel()
      await until(async () => (await answer('echo', 2)) === 2, 'there is room again')
    })

    test('in number by the other side, too, as long as work goes on that was given up', async () => {
      for (let i = 0; i < BOUNDS.questions; i++) ask('stubborn').cancel()
      await begun(BOUNDS.questions)
      expect(await answer('echo')).toEqual({ unavailable: 'full' })
      expect(await answerTo(ask('echo', 1, LONG_MS, 'b'))).toBe(1)
      // Both have the same answers.
      expect(await answerTo(ask('release', undefined, LONG_MS, 'b'))).toBe(BOUNDS.questions)
      expect(await answer('echo', 2)).toBe(2)
    })

    test('in bytes', async () => {
      expect(await ask('echo', 'x'.repeat(BOUNDS.bytes + 1)).answer).toEqual({ unavailable: 'too_large' })
      expect(await answer('large', BOUNDS.bytes + 1)).toEqual({ unavailable: 'too_large' })
      expect(await answer('circle')).toEqual({ unavailable: 'too_large' })
      expect(await answer('large', 100)).toHaveLength(100)
      // The whole buffer below a view would travel.
      const view = new Uint8Array(BOUNDS.bytes + 1).subarray(0, 1)
      expect(await ask('echo', view).answer).toEqual({ unavailable: 'too_large' })
    })

    test('in time', async () => {
      const asked = ask('never', undefined, SHORT_MS)
      expect(await answerTo(asked)).toEqual({ unavailable: 'deadline' })
      await until(() => rig.deeds.of('aborted') === rig.deeds.of('begun'), 'the work is aborted')
    })

    test('in time, even where the asker sets none', async () => {
      expect(await answerTo(ask('left', undefined, Number.POSITIVE_INFINITY))).toBeLessThanOrEqual(3_600_000)
    })

    test.each([0, -1, Number.NaN])('in time: with %s ms none is sent', async (ms) => {
      expect(await ask('echo', undefined, ms).answer).toEqual({ unavailable: 'deadline' })
      expect(await answer('echo', 1)).toBe(1)
      expect(rig.deeds.of('begun')).toBe(1)
    })
  })

  describe('may be given up', () => {
    test('before they have left', async () => {
      const asked = ask('later', 1)
      asked.cancel()
      expect(await asked.answer).toEqual({ unavailable: 'cancelled' })
      expect(await answer('later', 2)).toBe(2)
    })

    test('while they are answered: the work is told', async () => {
      const asked = ask('never')
      await begun(1)
      asked.cancel()
      expect(await asked.answer).toEqual({ unavailable: 'cancelled' })
      await rig.pass(0)
      await until(() => rig.deeds.of('aborted') === 1, 'the work is aborted')
    })

    test('when they were answered, without effect', async () => {
      const asked = ask('echo', 1)
      expect(await answerTo(asked)).toBe(1)
      asked.cancel()
      asked.cancel()
      expect(await asked.answer).toBe(1)
      expect(await answer('echo', 2)).toBe(2)
    })

    test('as often as one likes: their answers come to no other question', async () => {
      for (let i = 0; i < 100; i++) {
        const asked = ask('later', i)
        asked.cancel()
        expect(await asked.answer).toEqual({ unavailable: 'cancelled' })
        while ((await answer('echo', `after ${i}`)) !== `after ${i}`) await rig.pass(1)
      }
    })
  })

  describe('with a key', () => {
    const order = async (): Promise<unknown> => answer('order')

    test('begin in order, each when the one before has ended', async () => {
      const all = [20, 0, 5].map((ms, i) => inLine('k', 'ordered', { is: `${i}`, ms }))
      expect(await Promise.all(all.map(answerTo))).toEqual(['0', '1', '2'])
      expect(await order()).toEqual(['0', '1', '2'])
    })

    test('do not wait for those with another key, or with none', async () => {
      const first = inLine('k', 'never')
      expect(await answerTo(inLine('l', 'echo', 1))).toBe(1)
      expect(await answer('echo', 2)).toBe(2)
      first.cancel()
    })

    test('leave the line when they are given up', async () => {
      const first = inLine('k', 'stubborn')
      const second = inLine('k', 'ordered', { is: 'second', ms: 0 })
      const third = inLine('k', 'ordered', { is: 'third', ms: 0 })
      await begun(1)
      second.cancel()
      expect(await answer('release')).toBe(1)
      await Promise.all([first, third].map(answerTo))
      expect(await order()).toEqual(['third'])
    })

    test('do not overtake work that goes on after it was given up', async () => {
      const first = inLine('k', 'stubborn')
      await begun(1)
      first.cancel()
      const second = inLine('k', 'ordered', { is: 'second', ms: 0 })
      expect(await order()).toEqual([])
      expect(await answer('release')).toBe(1)
      expect(await answerTo(second)).toBe('second')
    })

    test('are done in order when many were waiting', async () => {
      for (let round = 0; round < 50; round++) {
        const first = inLine('k', 'later', 1)
        const others = [2, 3, 4].map((value) => inLine('k', 'echo', value))
        expect(await Promise.all([first, ...others].map(answerTo))).toEqual([1, 2, 3, 4])
      }
    })
  })

  describe('fail as a value', () => {
    test.each(['throws', 'rejects', 'uncloneable', 'unknown', '__proto__', 'constructor'])('%s', async (name) => {
      expect(await answer(name)).toEqual({ unavailable: 'failed' })
      await until(() => rig.deeds.of('faults') === 1, 'the fault is told')
      expect(await answer('echo', 1)).toBe(1)
    })

    test('when what is asked does not exist', async () => {
      expect(await answerTo(ask('echo', 1, LONG_MS, 'c'))).toEqual({ unavailable: 'failed' })
    })

    test('when they cannot be sent', async () => {
      expect(await ask('echo', () => {}).answer).toEqual({ unavailable: 'failed' })
      expect(rig.faults).toHaveLength(1)
      expect(await answer('echo', 1)).toBe(1)
    })

    test('without a fault when the work ends because it was given up', async () => {
      const asked = ask('never')
      await begun(1)
      asked.cancel()
      expect(await answer('echo', 1)).toBe(1)
      expect(rig.deeds.of('faults')).toBe(0)
    })
  })

  describe('end with either side', () => {
    test('at once when the other is gone, those that wait and those that come', async () => {
      const all = [ask('never'), ask('stubborn'), inLine('k', 'never')]
      await begun(3)
      await rig.kill()
      for (const asked of all) expect(await answerTo(asked)).toEqual({ unavailable: 'gone' })
      expect(await ask('echo').answer).toEqual({ unavailable: 'gone' })
    })

    test('when the asker goes: the work is aborted, and what waits does not begin', async () => {
      const all = [inLine('k', 'never'), inLine('k', 'echo'), ask('never')]
      await begun(2)
      rig.port.close()
      await rig.pass(0)
      await until(() => rig.deeds.of('aborted') === 2, 'the work is aborted')
      for (const asked of all) expect(await answerTo(asked)).toEqual({ unavailable: 'gone' })
      expect(rig.deeds.of('begun')).toBe(2)
    })
  })

  describe('bear a hostile side', () => {
    const say = (message: unknown): boolean => rig.asker.receive(message as AnswerMessage)

    test('that answers what was not asked, twice, or without a reason', async () => {
      expect(say({ type: 'answer', id: 77, value: 1 })).toBe(true)
      const asked = ask('later', 1)
      expect(await answerTo(asked)).toBe(1)
      say({ type: 'answer', id: 1, value: 2 })
      expect(await asked.answer).toBe(1)
      const next = ask('never')
      say({ type: 'no-answer', id: 2, why: '__proto__' })
      expect(await next.answer).toEqual({ unavailable: 'failed' })
    })

    test('that says what is no message of the two', () => {
      expect(say({ type: 'pages' })).toBe(false)
    })

    test('that asks the same number twice, gives up what it never asked, and asks more than it may', async () => {
      const post = (message: AskMessage): void => rig.port.postMessage(message)
      const raw = { type: 'ask', to: 'a', name: 'stubborn', value: 0, key: 'k', until: Number.MAX_VALUE } as const
      post({ type: 'give-up', id: 1000 })
      for (let id = 1000; id < 1100; id++) post({ ...raw, id })
      post({ ...raw, id: 1000 })
      await begun(1)
      expect(await answerTo(ask('release', undefined, LONG_MS, 'b'))).toBe(1)
      // Of a hundred the others within the bound wait in line, one after the other.
      for (let i = 1; i < BOUNDS.questions; i++) {
        await begun(2 * i + 1)
        expect(await answerTo(ask('release', undefined, LONG_MS, 'b'))).toBe(1)
      }
      expect(await answer('echo', 1)).toBe(1)
      expect(rig.deeds.of('begun')).toBe(2 * BOUNDS.questions + 1)
    })
  })
})
