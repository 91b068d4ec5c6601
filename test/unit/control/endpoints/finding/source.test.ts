import { afterEach, expect, test } from 'vitest'
import { UpstreamSource } from '../../../../../src/control/endpoints/finding/source.ts'
import type { FoundEndpoint } from '../../../../../src/core/endpoint-source.ts'
import { ManualClock } from '../../../../kit/clock.ts'
import { memoryLog } from '../../../../kit/log.ts'
import { settle } from '../../../../kit/until.ts'

const sources: UpstreamSource[] = []

afterEach(() => {
  for (const source of sources.splice(0)) source.close()
})

const found = (...addresses: string[]): FoundEndpoint[] => [
  {
    config: { scheme: 'http', host: 'a.test', port: 80, weight: 1, tier: 0, zone: undefined, maxConcurrent: undefined },
    addresses,
  },
]

function rig() {
  const clock = new ManualClock()
  const log = memoryLog()
  const changes: number[] = []
  const looked: boolean[] = []
  const state = { looks: 0, answer: async (): Promise<FoundEndpoint[]> => found('10.0.0.1') }
  const source = new UpstreamSource({
    look: () => {
      state.looks++
      return state.answer()
    },
    every: 10_000,
    clock,
    log,
    upstream: 'app',
    from: 'a.test',
    onChange: () => changes.push(clock.now()),
    looked: (ok) => looked.push(ok),
  })
  sources.push(source)
  return { clock, log, changes, looked, state, source }
}

test('looks again and again, and tells only of changes', async () => {
  const { clock, changes, looked, state, source } = rig()
  await source.refresh()
  clock.advance(10_000)
  await settle()
  expect([state.looks, changes.length, looked]).toEqual([2, 1, [true, true]])
  state.answer = async () => found('10.0.0.2')
  clock.advance(10_000)
  await settle()
  expect(changes).toHaveLength(2)
  expect(source.found).toEqual(found('10.0.0.2'))
})

test('what fails keeps the last known, and says so once', async () => {
  const { clock, changes, looked, log, state, source } = rig()
  await source.refresh()
  state.answer = async () => {
    throw new Error('SERVFAIL')
  }
  for (let i = 0; i < 3; i++) {
    clock.advance(10_000)
    await settle()
  }
  expect([source.found, changes.length, looked]).toEqual([found('10.0.0.1'), 1, [true, false, false, false]])
  state.answer = async () => found('10.0.0.1')
  clock.advance(10_000)
  await settle()
  expect(log.lines.map(({ level, message, fields }) => [level, message, fields.reason])).toEqual([
    ['warn', 'endpoints cannot be discovered, the last known ones stay', 'SERVFAIL'],
    ['info', 'endpoints are discovered again', undefined],
  ])
})

test('a look that hangs is given up, and not started twice', async () => {
  const { clock, log, looked, state, source } = rig()
  state.answer = () => new Promise(() => {})
  void source.refresh()
  await settle()
  clock.advance(5_000)
  await settle()
  clock.advance(10_000)
  await settle()
  expect([state.looks, looked]).toEqual([1, [false, false]])
  expect(log.lines[0]?.fields.reason).toBe('no answer within 5000 ms')
})

test('a hint looks soon, at most once a second', async () => {
  const { clock, state, source } = rig()
  await source.refresh()
  clock.advance(5_000)
  source.hint()
  source.hint()
  clock.advance(50)
  await settle()
  expect(state.looks).toBe(2)
  source.hint()
  clock.advance(900)
  await settle()
  expect(state.looks).toBe(2)
  clock.advance(100)
  await settle()
  expect(state.looks).toBe(3)
  source.close()
  expect(clock.timers).toBe(0)
})

test('a hint during a look is not lost', async () => {
  const { clock, state, source } = rig()
  const late = Promise.withResolvers<FoundEndpoint[]>()
  state.answer = () => late.promise
  const first = source.refresh()
  source.hint()
  state.answer = async () => found('10.0.0.9')
  late.resolve(found('10.0.0.1'))
  await first
  clock.advance(1_000)
  await settle()
  expect(source.found).toEqual(found('10.0.0.9'))
})
