import { describe, expect, test } from 'vitest'
import type { Command } from '../../../../src/core/operation.ts'
import type { BreakerCells } from '../../../../src/features/circuit-breaker/cells.ts'
import { circuitState } from '../../../../src/features/circuit-breaker/circuit-words.ts'
import { control } from '../../../../src/features/circuit-breaker/control.ts'
import { circuitBreaker } from '../../../../src/features/circuit-breaker/feature.ts'
import { KeptState } from '../../../../src/stores/kept-state.ts'
import { TestCells } from '../../../kit/cells.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { StartedHalf } from '../../../kit/control-half.ts'
import { memoryLog } from '../../../kit/log.ts'
import { CALLED } from '../../../kit/operations.ts'
import { TestStore } from '../../../kit/store.ts'

const USES = [{ name: 'app', options: {}, upstreams: ['a', 'b'] }]

/** One process of a gateway, on a store that outlives it. */
class Process {
  readonly started: StartedHalf<BreakerCells>

  private constructor(kept: KeptState) {
    this.started = new StartedHalf<BreakerCells>(circuitBreaker, control, new TestCells(), { kept })
  }

  static async start(stored: TestStore): Promise<Process> {
    const kept = new KeptState({ store: stored.store, clock: new ManualClock(), log: memoryLog() })
    await kept.load()
    return new Process(kept)
  }

  live(uses = USES): this {
    this.started.apply(uses)
    return this
  }

  force(body: object): Promise<unknown> {
    const operation = this.started.half.operations?.find(({ kind }) => kind === 'command') as Command
    return operation.run({ route: 'app', ...body }, CALLED)
  }

  state(upstream: string): string {
    const { testCells, uses } = this.started
    const state = uses[0]?.cells[upstream]?.circuit.state
    if (state === undefined) throw new Error('it is not live')
    return circuitState(testCells.space.int32(state), state.slot)
  }

  /** As when they are leased anew. */
  forgetCells(): void {
    const { testCells, uses } = this.started
    for (const { circuit } of Object.values(uses[0]?.cells ?? {})) testCells.space.int32(circuit.state).fill(0)
  }

  /** States that operators were told. */
  get told(): unknown[] {
    return this.started.notices.map((notice) => notice.kind === 'state' && [notice.labels, notice.state, notice.since])
  }
}

/** Clocks of all processes begin here. */
const START = Date.UTC(2026, 0, 1) + 1_000

describe('a restart', () => {
  test('finds what was forced, before the first request, for what is left of its time', async () => {
    const stored = new TestStore()
    const before = (await Process.start(stored)).live()
    before.started.clock.advance(500)
    expect(await before.force({ upstream: 'a', to: 'open', for: '10m' })).toMatchObject({ durable: true })
    const after = (await Process.start(stored)).live()
    expect([after.state('a'), after.state('b')]).toEqual(['forcedOpen', 'closed'])
    expect(after.told).toEqual([[['app', 'a'], 'forced_open', START + 500]])
    const [notice] = after.started.notices
    expect(notice).toMatchObject({ facts: { by: 'ci', until: new Date(START + 600_500).toISOString() } })
    // Its clock began half a second earlier: so much longer is left.
    after.started.clock.advance(600_000 - 1)
    expect(after.state('a')).toBe('forcedOpen')
    after.started.clock.advance(501)
    expect(after.state('a')).toBe('closed')
    expect(await stored.keys()).toEqual([])
  })

  test('finds nothing of what was released, or whose time was over meanwhile', async () => {
    const stored = new TestStore()
    const before = (await Process.start(stored)).live()
    await before.force({ upstream: 'a', to: 'open', for: '10m' })
    await before.force({ upstream: 'a', to: 'auto' })
    await before.force({ upstream: 'b', to: 'closed', for: '2s' })
    const after = await Process.start(stored)
    after.started.clock.advance(2_000)
    after.live()
    expect([after.state('a'), after.state('b')]).toEqual(['closed', 'closed'])
    expect(after.told).toEqual([])
    expect(await stored.keys()).toEqual([])
  })

  test('at which the clock was set back forces nothing for longer than was ordered', async () => {
    const stored = new TestStore()
    const before = (await Process.start(stored)).live()
    before.started.clock.advance(3_600_000)
    await before.force({ upstream: 'a', to: 'open', for: '10m' })
    const after = (await Process.start(stored)).live()
    after.started.clock.advance(599_000)
    expect(after.state('a')).toBe('forcedOpen')
    after.started.clock.advance(2_000)
    expect(after.state('a')).toBe('closed')
  })

  test.each([
    ['a day at most', { to: 'open', since: START, until: START + 1e12 }, 'forcedOpen', 86_400_000],
    ['not at all, if it ends before it begins', { to: 'open', since: START + 1e9, until: START + 1e3 }, 'closed', 0],
    ['not at all, if no date is so late', { to: 'open', since: START, until: 9e15 }, 'closed', 0],
    ['not at all, if it is none', { to: 'ajar', since: START, until: START + 1e6 }, 'closed', 0],
  ])('finds an order that cannot have been given: it holds %s', async (_, order, state, ms) => {
    const stored = new TestStore()
    await stored.store.put('kept/feature/circuitBreaker/app a', Buffer.from(JSON.stringify(order)))
    const process = (await Process.start(stored)).live()
    expect(process.state('a')).toBe(state)
    process.started.clock.advance(ms + 1)
    expect(process.state('a')).toBe('closed')
  })
})

describe('an order', () => {
  test('outlives the route that leaves the config and comes back with other cells', async () => {
    const process = (await Process.start(new TestStore())).live()
    await process.force({ upstream: 'a', to: 'open', for: '10m' })
    process.forgetCells()
    expect(process.state('a')).toBe('closed')
    process.live([])
    process.live()
    expect([process.state('a'), process.state('b')]).toEqual(['forcedOpen', 'closed'])
    process.live()
    expect(process.told).toHaveLength(2)
  })

  test('that could not be kept holds all the same, and its answer says so', async () => {
    const stored = new TestStore()
    const before = (await Process.start(stored)).live()
    stored.down = 'full'
    expect(await before.force({ upstream: 'a', to: 'open', for: '10m' })).toMatchObject({ durable: false })
    expect(before.state('a')).toBe('forcedOpen')
    stored.down = undefined
    expect((await Process.start(stored)).live().state('a')).toBe('closed')
  })

  test('names who gave it', async () => {
    const process = (await Process.start(new TestStore())).live()
    const { breakers } = (await process.force({ upstream: 'a', to: 'closed', for: '1m' })) as { breakers: unknown[] }
    expect(breakers).toMatchObject([{ route: 'app', upstream: 'a', state: 'forced_closed' }])
    expect(process.started.notices).toMatchObject([{ state: 'forced_closed', facts: { by: 'ci' } }])
  })
})
