import { describe, expect, test } from 'vitest'
import { EndpointWords } from '../../../../src/core/endpoint-words.ts'
import { EndpointStateBit, EndpointWord } from '../../../../src/core/protocol.ts'
import {
  EjectionGroup,
  type EjectionOptions,
  OUTLIER_WORDS,
  Outlier,
} from '../../../../src/features/outlier-detection/outlier.ts'
import { seededRandom } from '../../../../src/lib/random.ts'
import { TestCells } from '../../../kit/cells.ts'

const OPTIONS: EjectionOptions = {
  consecutiveFailures: 3,
  consecutive5xx: undefined,
  baseEjection: 10_000,
  maxEjection: 35_000,
  maxEjected: 0.5,
  mode: 'enforce',
}

/** The endpoints of an upstream as each of `workers` workers sees them. */
class Rig {
  readonly events: string[] = []
  readonly groups: EjectionGroup[]
  private readonly cells: TestCells
  private readonly endpoints
  private readonly count

  constructor(size: number, options: Partial<EjectionOptions> = {}, workers = 1) {
    this.cells = new TestCells(workers)
    this.endpoints = Array.from({ length: size }, () => ({
      state: this.cells.endpoint().state,
      own: this.cells.wordBlock(OUTLIER_WORDS),
    }))
    this.count = this.cells.word()
    this.groups = this.cells.spaces.map((space, worker) => {
      const group = new EjectionGroup(
        space.int32(this.count),
        this.count.slot,
        { ...OPTIONS, ...options },
        seededRandom(worker),
        {
          ejected: ({ endpoint, cause, ms, mode }) =>
            this.events.push(`${endpoint} ${cause} ${Math.floor(ms / 10_000)} ${mode}`),
          returned: (endpoint) => this.events.push(`${endpoint} back`),
        },
      )
      group.members = this.endpoints.map(({ own, state }, i) => {
        const words = new EndpointWords(space.int32(state), state.slot)
        return new Outlier({ id: `e${i}`, words }, group, space.int32(own), own.slot)
      })
      return group
    })
  }

  at(endpoint: number, worker = 0): Outlier {
    return this.groups[worker]?.members[endpoint] as Outlier
  }

  fail(endpoint: number, times: number, now: number, worker = 0): void {
    for (let i = 0; i < times; i++) this.at(endpoint, worker).record(true, false, now)
  }

  setState(endpoint: number, bits: number): void {
    const ref = this.endpoints[endpoint]?.state as { page: number; slot: number }
    this.cells.set({ page: ref.page, slot: ref.slot + EndpointWord.state }, bits)
  }

  get ejected(): number {
    return Atomics.load(this.cells.space.int32(this.count), this.count.slot)
  }
}

describe('consecutive failures', () => {
  test('eject, whoever of the workers saw them', () => {
    const rig = new Rig(3, {}, 2)
    rig.fail(0, 2, 0, 0)
    rig.fail(0, 1, 0, 1)
    expect(rig.at(0, 0).ejected(1)).toBe(true)
    expect(rig.at(0, 1).ejected(1)).toBe(true)
    expect(rig.events).toEqual(['e0 consecutive_failures 1 enforce'])
  })

  test('a success in between starts the count anew', () => {
    const rig = new Rig(3)
    rig.fail(0, 2, 0)
    rig.at(0).record(false, false, 0)
    rig.fail(0, 2, 0)
    expect(rig.at(0).ejected(0)).toBe(false)
  })

  test('statuses from 500 have a count of their own', () => {
    const rig = new Rig(3, { consecutive5xx: 2 })
    rig.at(0).record(false, true, 0)
    rig.at(0).record(false, true, 0)
    expect(rig.events).toEqual(['e0 consecutive_5xx 1 enforce'])
  })

  test('shadow only tells, once for each time it would eject', () => {
    const rig = new Rig(3, { mode: 'shadow' })
    rig.fail(0, 6, 0)
    expect(rig.at(0).ejected(0)).toBe(false)
    expect(rig.events).toEqual(['e0 consecutive_failures 1 shadow', 'e0 consecutive_failures 2 shadow'])
    expect(rig.ejected).toBe(0)
  })
})

describe('probation', () => {
  test('after its time one failure is enough, and the time grows up to its cap', () => {
    const rig = new Rig(3)
    let now = 0
    rig.fail(0, 3, now)
    for (let i = 0; i < 4; i++) {
      now += 50_000
      expect(rig.at(0).ejected(now)).toBe(false)
      rig.fail(0, 1, now)
      expect(rig.at(0).ejected(now)).toBe(true)
    }
    const lengths = rig.events.filter((event) => !event.endsWith('back')).map((event) => event.split(' ')[2])
    expect(lengths).toEqual(['1', '2', '3', '3', '3'])
  })

  test('one success clears it; intervals without ejection make the next one shorter', () => {
    const rig = new Rig(3)
    rig.fail(0, 3, 0)
    expect(rig.at(0).ejected(20_000)).toBe(false)
    rig.at(0).record(false, false, 20_000)
    rig.fail(0, 2, 20_000)
    expect(rig.at(0).ejected(20_000)).toBe(false)
    expect(rig.at(0).ejections).toBe(1)
    rig.at(0).forgive()
    expect(rig.at(0).ejections).toBe(0)
  })

  test('comes back in every worker, and is told once', () => {
    const rig = new Rig(3, {}, 2)
    rig.fail(0, 3, 0)
    expect(rig.at(0, 1).ejected(12_000)).toBe(false)
    expect(rig.at(0, 0).ejected(12_000)).toBe(false)
    expect(rig.events.filter((event) => event === 'e0 back')).toHaveLength(1)
    expect(rig.ejected).toBe(0)
  })

  test('days later the clock words have wrapped, and it is back all the same', () => {
    const rig = new Rig(3)
    rig.fail(0, 3, 2 ** 31 - 1000)
    expect(rig.at(0).ejected(2 ** 31 + 1000)).toBe(true)
    expect(rig.at(0).ejected(2 ** 31 + 20_000)).toBe(false)
  })
})

describe('the cap', () => {
  test.each([
    [1, 0.5, 0],
    [2, 0.1, 1],
    [3, 0.5, 1],
    [4, 0.5, 2],
    [10, 0.1, 1],
    [3, 1, 2],
  ])('of %i endpoints at a share of %d: %i', (size, maxEjected, cap) => {
    const rig = new Rig(size, { maxEjected })
    for (let i = 0; i < size; i++) rig.fail(i, 3, 0)
    expect(rig.ejected).toBe(cap)
    expect(rig.events).toHaveLength(cap)
  })

  test('the last usable one stays, whatever the cap says', () => {
    const rig = new Rig(4, { maxEjected: 1 })
    rig.setState(0, EndpointStateBit.unhealthy)
    rig.setState(1, EndpointStateBit.draining)
    rig.fail(2, 3, 0)
    rig.fail(3, 9, 0)
    expect(rig.at(3).ejected(0)).toBe(false)
    expect(rig.ejected).toBe(1)
  })

  test('what left while it was ejected no longer counts after a repair', () => {
    const rig = new Rig(4)
    rig.fail(0, 3, 0)
    const [group] = rig.groups as [EjectionGroup]
    group.members = group.members.slice(1)
    group.repair()
    expect(rig.ejected).toBe(0)
  })

  test('a storm of failures in all workers at once never passes it', () => {
    const rig = new Rig(6, { maxEjected: 0.34 }, 4)
    const random = seededRandom(9)
    for (let now = 0; now < 200_000; now += 50) {
      const worker = random.uint32() % 4
      const endpoint = random.uint32() % 6
      if (random.float() < 0.8) rig.fail(endpoint, 1, now, worker)
      else rig.at(endpoint, worker).record(false, false, now)
      const out = rig.groups[worker]?.members.filter((member) => member.ejected(now)).length as number
      expect(out).toBeLessThanOrEqual(2)
      expect(rig.ejected).toBe(rig.groups[0]?.members.filter((member) => member.flagged).length)
    }
    expect(rig.events.length).toBeGreaterThan(10)
  })
})
