import { expect, test } from 'vitest'
import { failover } from '../../../../src/features/failover/feature.ts'
import { EngineKit } from '../../../kit/engine.ts'
import { readOptions } from '../../../kit/feature.ts'

test.each([
  ['west', ['west']],
  [
    ['west', 'north'],
    ['west', 'north'],
  ],
  [[], []],
] as const)('%j names the upstreams that take over, in order', (written, upstreams) => {
  expect(failover.alternates?.(readOptions(failover, written) as readonly string[])).toEqual(upstreams)
})

test('each is asked in turn while those before it have no endpoint', () => {
  const kit = new EngineKit({ upstreams: { a: 1, b: 1, c: 1 } })
  const asked = (): string | undefined => {
    kit.send()
    kit.latest.connect()
    kit.latest.answer(200)
    return kit.finished.at(-1)?.attempt?.upstream
  }
  expect(asked()).toBe('a')
  kit.setState(2, 'a')
  expect(asked()).toBe('b')
  kit.setState(2, 'b')
  expect(asked()).toBe('c')
})
