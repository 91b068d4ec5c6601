import { expect, it } from 'vitest'
import { expectAt, route } from '../../../kit/lints.ts'

const LATE = 'websocket-ends-before'

/** Name, config, what is found at `‸`; undefined: nothing, though nearly. */
const CASES: readonly (readonly [string, string, string | undefined])[] = [
  ['Pings behind timeouts.stream', route('websocket: { ping: ‸5m }'), LATE],
  ['Pings just before it', route('websocket: { ping: 299s }'), undefined],
  ['Pings where it is off', route('websocket: { ping: 1h }\ntimeouts: { stream: off }'), undefined],
  ['Pings behind idle', route('websocket: { ping: ‸60s, idle: 60s }'), LATE],
  ['Pings just before idle', route('websocket: { ping: 59s, idle: 60s }'), undefined],
  ['idle behind timeouts.stream', route('websocket: { idle: ‸5m }'), LATE],
  ['the same with Pings', route('websocket: { idle: 1h, ping: 30s }'), undefined],
  ['idle before timeouts.stream', route('websocket: { idle: 4m }'), undefined],
]

it.each(CASES)('%s', async (_name, sections, expected) => {
  expect(sections.includes('‸')).toBe(expected !== undefined)
  await expectAt(sections, expected)
})
