import { describe, expect, test } from 'vitest'
import { BadCommand } from '../../src/core/command.ts'
import type { ControlFeature } from '../../src/core/control-feature.ts'
import type { AnyFeature } from '../../src/core/feature.ts'
import type { Command, View } from '../../src/core/operation.ts'
import { FEATURES } from '../../src/features/index.ts'
import { StartedHalf, type WrittenUse } from '../kit/control-half.ts'
import { CALLED } from '../kit/operations.ts'

const HOUR_MS = 3_600_000

/** Uses by which a half has something to do; without a row: all defaults, on a route. */
const USES: Readonly<Record<string, readonly WrittenUse[]>> = {
  discovery: [],
  healthCheck: [{ at: 'upstream', name: 'a', options: {} }],
  outlierDetection: [{ at: 'upstream', name: 'a', options: {} }],
  overload: [{ at: 'root', options: {} }],
  slo: [{ options: { availability: '99%' } }],
}

const halves = await Promise.all(
  FEATURES.flatMap(({ name, control }) =>
    control === undefined ? [] : [control().then((half) => [name, half.control] as const)],
  ),
)

test('there are control halves', () => {
  expect(halves.length).toBeGreaterThan(0)
})

describe.each(halves)('control half of %s', (name, control: ControlFeature) => {
  const feature = FEATURES.find((known) => known.name === name) as AnyFeature
  const start = (): StartedHalf => new StartedHalf(feature, control)
  const live = (): StartedHalf => {
    const started = start()
    started.apply(USES[name] ?? [{ options: {} }])
    return started
  }
  const views = ({ half }: StartedHalf): View[] =>
    (half.operations ?? []).filter((operation) => operation.kind === 'view')
  const read = (started: StartedHalf): string[] =>
    views(started)
      .filter(({ path }) => !path.includes(':'))
      .map((view) => JSON.stringify(view.read({ params: {}, query: {} })))
  const gauges = ({ half }: StartedHalf) =>
    Object.entries(half.gauges ?? {}).map(([metric, readings]) => [metric, [...readings()]] as const)

  test('has gauges of the feature only, each reading with a value for each label', () => {
    for (const [metric, readings] of gauges(live())) {
      const row = feature.metrics?.[metric]
      expect(row?.kind, metric).toBe('gauge')
      for (const { labels, value } of readings) {
        expect(labels, metric).toHaveLength((row?.labels ?? []).length)
        expect(Number.isFinite(value), metric).toBe(true)
      }
    }
  })

  test('finds endpoints of the kinds that its feature provides, and of no others', () => {
    const provided = (feature.provides?.sources ?? []).map(({ key }) => key)
    expect(Object.keys(start().half.sources ?? {})).toEqual(provided)
  })

  test('can be asked before the first config is live, and when its last use is gone', () => {
    const started = start()
    const before = [read(started), gauges(started)]
    started.half.endpointsChanged?.()
    started.apply(USES[name] ?? [{ options: {} }])
    started.clock.advance(HOUR_MS)
    started.apply([])
    started.clock.advance(HOUR_MS)
    expect([read(started), gauges(started)]).toEqual(before)
    started.half.close()
  })

  test('tells the same to all who ask at the same time', () => {
    const started = live()
    expect(read(started)).toEqual(read(started))
    expect(gauges(started)).toEqual(gauges(started))
  })

  test('leaves no timer', () => {
    const started = live()
    started.clock.advance(HOUR_MS)
    started.half.close()
    expect(started.clock.timers).toBe(0)
  })

  test('refuses commands that make no sense, and records them', async () => {
    const commands = (live().half.operations ?? []).filter(
      (operation): operation is Command => operation.kind === 'command',
    )
    for (const command of commands) {
      for (const body of [undefined, null, 7, [], { nonsense: true }]) {
        expect(() => command.changes?.(body)).not.toThrow()
        await expect(command.run(body, CALLED)).rejects.toThrow(BadCommand)
      }
    }
    expect(new Set(commands.map(({ path }) => path)).size).toBe(commands.length)
  })
})
