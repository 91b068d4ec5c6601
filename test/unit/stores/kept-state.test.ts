import { describe, expect, test } from 'vitest'
import { object, optional, required } from '../../../src/schema/composites.ts'
import { integer, text } from '../../../src/schema/scalars.ts'
import { KeptState } from '../../../src/stores/kept-state.ts'
import { ManualClock } from '../../kit/clock.ts'
import { memoryLog } from '../../kit/log.ts'
import { TestStore } from '../../kit/store.ts'
import { settle } from '../../kit/until.ts'

const ORDER = object({ since: required(integer(0, 1e9), 'When.'), by: optional(text(), 'Who.') })

/** One process after the other on the same store. */
class Rig {
  readonly clock: ManualClock = new ManualClock()
  readonly log: ReturnType<typeof memoryLog> = memoryLog()
  readonly stored: TestStore = new TestStore()

  async start() {
    const state = new KeptState({ store: this.stored.store, clock: this.clock, log: this.log })
    await state.load()
    return { state, map: state.map('things', ORDER) }
  }

  get messages(): string[] {
    return this.log.lines.map(({ level, message }) => `${level} ${message}`)
  }
}

describe('what was set', () => {
  test('is there after a restart; what was deleted is not', async () => {
    const rig = new Rig()
    const { map } = await rig.start()
    expect(await map.set('a', { since: 1, by: 'ci' })).toBe(true)
    expect(await map.set('b', { since: 2, by: undefined })).toBe(true)
    expect(await map.set('a', { since: 3, by: 'ci' })).toBe(true)
    expect(await map.delete('b')).toBe(true)
    expect([...(await rig.start()).map.entries]).toEqual([['a', { since: 3, by: 'ci' }]])
  })

  test('holds at once, while the store is slow; the last of several is what stays', async () => {
    const rig = new Rig()
    const { map } = await rig.start()
    rig.stored.hold()
    const all = [map.set('a', { since: 1, by: 'x' }), map.delete('a'), map.set('a', { since: 2, by: 'y' })]
    expect(map.get('a')).toEqual({ since: 2, by: 'y' })
    rig.stored.release()
    expect(await Promise.all(all)).toEqual([true, true, true])
    expect((await rig.start()).map.get('a')).toEqual({ since: 2, by: 'y' })
  })

  test('without a store it holds as long as the process', async () => {
    const state = new KeptState({ store: undefined, clock: new ManualClock(), log: memoryLog() })
    await state.load()
    const map = state.map('things', ORDER)
    expect(await map.set('a', { since: 1, by: 'x' })).toBe(false)
    expect(map.get('a')).toEqual({ since: 1, by: 'x' })
    expect(await map.delete('a')).toBe(false)
    expect(map.size).toBe(0)
  })

  test('maps do not see each other, whatever their keys', async () => {
    const rig = new Rig()
    const { map, state } = await rig.start()
    const other = state.map('things/a', ORDER)
    await map.set('x', { since: 1, by: 'x' })
    await other.set('y', { since: 2, by: 'y' })
    const again = new KeptState({ store: rig.stored.store, clock: rig.clock, log: rig.log })
    await again.load()
    expect([...again.map('things/a', ORDER).entries].map(([key]) => key)).toEqual(['y'])
    expect([...again.map('things', ORDER).entries].map(([key]) => key)).toEqual(['x'])
  })
})

describe('a store that fails', () => {
  test('is told once, and what failed is written when it is back, as it is by then', async () => {
    const rig = new Rig()
    const { map } = await rig.start()
    await map.set('gone', { since: 0, by: 'x' })
    rig.stored.down = 'full'
    expect(await map.set('a', { since: 1, by: 'x' })).toBe(false)
    expect(await map.set('b', { since: 1, by: 'x' })).toBe(false)
    expect(await map.delete('gone')).toBe(false)
    expect(await map.set('a', { since: 2, by: 'x' })).toBe(false)
    expect(rig.messages).toEqual([
      'warn an order of an operator cannot be stored: the next process does not know of it',
    ])
    await settle()
    rig.stored.down = undefined
    rig.clock.advance(60_000)
    await settle()
    expect(rig.messages.at(-1)).toBe('info orders of operators are stored again')
    const after = (await rig.start()).map
    expect(Object.fromEntries(after.entries)).toEqual({ a: { since: 2, by: 'x' }, b: { since: 1, by: 'x' } })
    expect(rig.clock.timers).toBe(0)
  })

  test('is asked less and less often, and not after the end', async () => {
    const rig = new Rig()
    const { map, state } = await rig.start()
    rig.stored.down = 'failed'
    await map.set('a', { since: 1, by: 'x' })
    const before = rig.stored.writes
    for (let i = 0; i < 600; i++) {
      rig.clock.advance(1_000)
      await settle(4)
    }
    expect(rig.stored.writes - before).toBeGreaterThan(6)
    expect(rig.stored.writes - before).toBeLessThan(20)
    state.close()
    expect(rig.clock.timers).toBe(0)
  })

  test('at the start: nothing holds, and a warning says so', async () => {
    const rig = new Rig()
    await (await rig.start()).map.set('a', { since: 1, by: 'x' })
    rig.stored.down = 'deadline'
    expect((await rig.start()).map.size).toBe(0)
    expect(rig.messages).toEqual(['warn what operators ordered before cannot be read, and does not hold'])
  })
})

test.each([
  ['no JSON', '{'],
  ['another shape', '{"since":"soon"}'],
  ['a number out of range', '{"since":-1}'],
  ['of a newer version', '{"since":1,"by":"x","zone":"b"}'],
  ['null', 'null'],
])('a record that is %s is passed over, told, and stays', async (_, json) => {
  const rig = new Rig()
  await (await rig.start()).map.set('good', { since: 1, by: 'x' })
  await rig.stored.store.put('kept/things/bad', Buffer.from(json))
  const { map } = await rig.start()
  expect([...map.entries].map(([key]) => key)).toEqual(['good'])
  expect(rig.messages).toEqual(['warn a record of the store is passed over'])
  expect(await rig.stored.keys()).toContain('kept/things/bad')
})
