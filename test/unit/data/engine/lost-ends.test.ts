import { expect, test } from 'vitest'
import { MemoryDownstream } from '../../../../src/data/ingress/memory.ts'
import { EngineKit } from '../../../kit/engine.ts'
import { PEER } from '../../../kit/exchange.ts'
import { LOST_END } from '../../../kit/lost-end.ts'

/** Its client can go without a word. */
class Silent extends MemoryDownstream {
  vanish(): void {
    this.state = 'gone'
  }
}

function request(kit: EngineKit, method = 'GET', contentLength = 0): Silent {
  const downstream = new Silent({ method, target: '/', host: 'a.test', headers: [], peer: PEER, contentLength })
  kit.engine.handle(downstream)
  return downstream
}

test.each([
  ['waits for the head', 'GET', 0, () => {}],
  ['sends its body', 'POST', 10, () => {}],
  ['is answered', 'GET', 0, (kit: EngineKit) => kit.latest.answer(200)],
] as const)('an end that nobody is told of while a request %s is found by the sweep, once', (_, method, length, go) => {
  let lost = 0
  const kit = new EngineKit({ lostEnd: () => void lost++, timeouts: { idle: undefined, request: undefined } })
  const downstream = request(kit, method, length)
  kit.latest.connect()
  go(kit)
  downstream.vanish()
  kit.engine.sweep()
  expect(lost).toBe(0)
  kit.clock.advance(5_000)
  expect(lost).toBe(1)
  expect(kit.bugs.map(String)).toEqual([`Error: ${LOST_END}`])
  expect(kit.finished.map((ex) => ex.failure?.reason)).toEqual(['internal'])
  expect([kit.inFlight, kit.engine.running]).toEqual([0, 0])
})

test('the sweep leaves alone whose client is there, and costs no timer when nothing runs', async () => {
  const kit = new EngineKit({ timeouts: { idle: undefined, request: undefined } })
  request(kit)
  kit.latest.connect()
  kit.clock.advance(60_000)
  expect(kit.engine.running).toBe(1)
  kit.latest.answer(200)
  await Promise.resolve()
  kit.clock.advance(2_000)
  expect([kit.engine.running, kit.finished.length]).toEqual([0, 1])
  expect(kit.clock.timers).toBe(0)
})

test('an answer that does not keep to its head is a bug of ours, not of the client', async () => {
  const kit = new EngineKit()
  const downstream = request(kit)
  kit.latest.connect()
  kit.latest.answer(200, ['content-length', '10'], 'four')
  await Promise.resolve()
  expect(downstream.state).toBe('broken')
  expect(kit.finished.map((ex) => ex.failure?.reason)).toEqual(['internal'])
  expect(kit.bugs.length).toBe(1)
  expect(kit.inFlight).toBe(0)
})

test('a crash records what still runs, with or without an answer, once', () => {
  const kit = new EngineKit({ timeouts: { idle: undefined, request: undefined } })
  request(kit)
  kit.latest.connect()
  const answered = request(kit)
  kit.latest.connect()
  kit.latest.answer(200)
  kit.engine.crash({ reason: 'internal', phase: 'request', origin: 'sluice' })
  expect(answered.state).toBe('broken')
  expect(kit.finished.map((ex) => ex.failure?.reason)).toEqual(['internal', 'internal'])
  expect([kit.inFlight, kit.engine.running]).toEqual([0, 0])
})
