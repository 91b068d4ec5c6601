import { expect, test } from 'vitest'
import { accessLog } from '../../../../src/features/access-log/feature.ts'
import { exchange } from '../../../kit/exchange.ts'
import { CompiledUse } from '../../../kit/feature.ts'

const FIRST = '00-0000000000000000ff00000000ffffff-00f067aa0ba902b7-00'
const SECOND = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00'

/** Whether a request of this trace gets a line. */
function logged(written: unknown, traceparent: string): boolean {
  const ex = exchange()
  ex.traceparent = traceparent
  new CompiledUse(accessLog, written).policies.line?.admit?.(ex)
  return ex.logged
}

test.each([
  [{}, true, true],
  [{ sample: '99.9%' }, false, true],
  [{ sample: '50%' }, false, true],
  [{ sample: '10%' }, false, false],
  ['off', false, false],
])('%j: a share, by the trace ID', (written, first, second) => {
  expect([logged(written, FIRST), logged(written, SECOND)]).toEqual([first, second])
})

test('where all get a line it costs nothing', () => {
  expect(new CompiledUse(accessLog, { sample: '100%' }).policies).toEqual({})
})
