import { expect, test } from 'vitest'
import { EngineKit } from '../kit/engine.ts'

test('an exchange has one shape from its beginning to its end', () => {
  const kit = new EngineKit({ upstreams: { a: 2 } })
  const shapes = new Set<string>()
  const note = (): void => {
    for (const ex of kit.finished.splice(0)) shapes.add(Object.keys(ex).join())
  }
  kit.send()
  kit.latest.connect()
  kit.latest.answer(200, [], 'ok')
  note()
  kit.send('PUT', '/x?y=1', ['traceparent', 'no', 'x-correlation-id', 'abc'], 'body')
  kit.latest.fail({ reason: 'connect_refused' })
  kit.clock.advance(300)
  kit.latest.connect()
  kit.latest.answer(503)
  note()
  kit.send('GET', '/%2e%2e/')
  note()
  kit.send()
  kit.clock.advance(20_000)
  note()
  expect(shapes.size).toBe(1)
})
