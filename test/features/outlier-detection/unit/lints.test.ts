import { expect, it } from 'vitest'
import { expectAt, route, TWO } from '../../../kit/lints.ts'

/** Name, config, what is found at `‸`; undefined: nothing, though nearly. */
const CASES: readonly (readonly [string, string, string | undefined])[] = [
  [
    'one endpoint that could be ejected',
    route('', '{ endpoints: [ http://10.0.0.1:8080 ], ‸outlierDetection: {} }'),
    'ejection-impossible',
  ],
  [
    'one endpoint that is only told of',
    route('', '{ endpoints: [ http://10.0.0.1:8080 ], outlierDetection: { mode: shadow } }'),
    undefined,
  ],
  [
    'a name, which stands for several',
    route('', '{ endpoints: [ http://orders:8080 ], outlierDetection: {} }'),
    undefined,
  ],
  [
    'one endpoint, with the defaults for all upstreams',
    `defaults: { upstream: { outlierDetection: {} } }\n${route('', '{ endpoints: [ http://10.0.0.1:8080 ] }')}`,
    undefined,
  ],
  [
    'too few endpoints to compare',
    route('', `{ endpoints: ${TWO}, outlierDetection: { ‸successRate: {} } }`),
    'ejection-impossible',
  ],
  [
    'just enough',
    route('', `{ endpoints: ${TWO}, outlierDetection: { successRate: { minEndpoints: 2 } } }`),
    undefined,
  ],
  [
    'nothing to judge by',
    route('', `{ endpoints: ${TWO}, ‸outlierDetection: { consecutiveFailures: off } }`),
    'ejection-impossible',
  ],
]

it.each(CASES)('%s', async (_name, sections, expected) => {
  expect(sections.includes('‸')).toBe(expected !== undefined)
  await expectAt(sections, expected)
})
