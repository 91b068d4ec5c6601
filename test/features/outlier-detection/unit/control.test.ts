import { expect, test } from 'vitest'
import { EndpointWords } from '../../../../src/core/endpoint-words.ts'
import type { ResolvedEndpoint } from '../../../../src/core/protocol.ts'
import { control } from '../../../../src/features/outlier-detection/control.ts'
import { outlierDetection } from '../../../../src/features/outlier-detection/feature.ts'
import { TestCells } from '../../../kit/cells.ts'
import { StartedHalf } from '../../../kit/control-half.ts'
import { OUTLIERS } from '../../../kit/judged.ts'
import { endpointCells } from '../../../kit/lean-upstream.ts'

const RETURNED = {
  kind: 'state',
  feature: 'outlierDetection',
  labels: ['a', 'e0'],
  state: 'usable',
  facts: {},
}

/** Upstream `a` with two endpoints; `written`: its options. */
function rig(written: object) {
  const cells = new TestCells()
  const started = new StartedHalf(outlierDetection, control, cells)
  const endpoints = ['e0', 'e1'].map((id) => {
    const own = endpointCells(cells, { name: 'a', features: { outlierDetection: OUTLIERS } })
    return { id, cells: own } as ResolvedEndpoint
  })
  const words = endpoints.map(({ cells: { state } }) => new EndpointWords(cells.space.int32(state), state.slot))
  started.endpoints.set('a', { upstream: 'a', cells: cells.upstream(), endpoints })
  started.apply([{ at: 'upstream', name: 'a', options: written }])
  return { started, endpoints, words }
}

test.each([
  ['ends its ejection where that is wanted', true],
  ['changes nothing elsewhere', false],
])('a passed health check of an ejected endpoint %s', (_what, endOnHealthy) => {
  const { endpoints, started, words } = rig({ endOnHealthy })
  words[0]?.eject()
  started.half.endpointPassed?.('a', endpoints[1] as ResolvedEndpoint)
  expect(words[0]?.ejected).toBe(true)
  started.half.endpointPassed?.('a', endpoints[0] as ResolvedEndpoint)
  expect(words[0]?.ejected).toBe(!endOnHealthy)
  expect(started.notices).toEqual(endOnHealthy ? [RETURNED] : [])
})

test('an ejected endpoint comes back although no request asks for it', () => {
  const { started, words } = rig({})
  words[0]?.eject()
  started.clock.advance(2_000)
  expect(words[0]?.ejected).toBe(false)
  expect(words[0]?.warmFor(started.clock.now())).toBeLessThan(2_000)
})

test('where it is switched off no endpoint stays ejected', () => {
  const { started, words } = rig({})
  words[1]?.eject()
  started.apply([])
  expect(words[1]?.ejected).toBe(false)
})

test('endpoints without cells for it are left alone: the config that has it is not live yet', () => {
  const { started, words } = rig({})
  const bare = { id: 'e9', cells: new TestCells().endpoint() } as ResolvedEndpoint
  started.endpoints.set('a', { upstream: 'a', cells: new TestCells().upstream(), endpoints: [bare] })
  words[0]?.eject()
  started.clock.advance(5_000)
  expect(words[0]?.ejected).toBe(true)
})
