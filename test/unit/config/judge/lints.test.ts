import { describe, expect, it } from 'vitest'
import { expectAt, found, load } from './lint-kit.ts'

const TWO = '[ http://10.0.0.1:8080, http://10.0.0.2:8080 ]'

/** A route (from line 6 on) to an upstream (line 4) of two endpoints, with more keys. */
function route(keys: string, upstream = `{ endpoints: ${TWO} }`, match = '{ path: /a/* }'): string {
  const lines =
    keys === ''
      ? ''
      : keys
          .split('\n')
          .map((line) => `    ${line}\n`)
          .join('')
  return `upstreams:\n  u: ${upstream}\nroutes:\n  a:\n    match: ${match}\n    to: u\n${lines}`
}

/** Name, config, what is found at `‸`; undefined: nothing, though nearly. */
const CASES: readonly (readonly [string, string, string | undefined])[] = [
  [
    'an attempt timeout above the request timeout',
    route('timeouts: { request: 1s, attempt: ‸2s }'),
    'timeout-never-reached',
  ],
  ['one that is the same', route('timeouts: { request: 2s, attempt: 2s }'), undefined],
  ['an attempt timeout without retries', route('timeouts: { attempt: ‸2s }\nretries: off'), 'timeout-never-reached'],
  [
    'the same from the defaults',
    `defaults: { route: { timeouts: { attempt: 2s } } }\n${route('retries: off')}`,
    undefined,
  ],
  [
    'a connect timeout above the request timeout',
    route('timeouts: { request: 1s }', `{ endpoints: ${TWO}, timeouts: { connect: ‸3s } }`),
    'timeout-never-reached',
  ],
  ['one that nobody wrote', route('timeouts: { request: 1s }'), undefined],
  [
    'a queue that waits longer than the request may',
    route('timeouts: { request: 1s }\nbulkhead: { queue: { maxWait: ‸2s } }'),
    'timeout-never-reached',
  ],
  ['one that does not', route('timeouts: { request: 2s }\nbulkhead: { queue: { maxWait: 2s } }'), undefined],

  [
    'three attempts that do not fit',
    route('timeouts: { request: 5s, attempt: 2s }\nretries: { maxExtra: ‸2, when: timeout }'),
    'attempts-exceed-request',
  ],
  [
    'three that just do',
    route('timeouts: { request: 6s, attempt: 2s }\nretries: { maxExtra: 2, when: timeout }'),
    undefined,
  ],
  [
    'the same three where a timeout ends the request',
    route('timeouts: { request: 5s, attempt: 2s }\nretries: { maxExtra: 2, when: connect }'),
    undefined,
  ],
  [
    'the same three where a hedge runs beside them',
    route('timeouts: { request: 5s, attempt: 2s }\nretries: { maxExtra: 2, when: timeout }\nhedge: {}'),
    undefined,
  ],
  [
    'a timeout that is retried without an attempt timeout',
    route('retries: { when: [connect, ‸timeout] }'),
    'timeout-never-retried',
  ],
  ['the same where nothing is retried', route('retries: { maxExtra: 0, when: [connect, timeout] }'), undefined],
  [
    'an upstream without a retry budget',
    route('', `{ endpoints: ${TWO}, retryBudget: ‸off }`),
    'retries-without-budget',
  ],
  ['one whose routes do not retry', route('retries: off', `{ endpoints: ${TWO}, retryBudget: off }`), undefined],

  ['no bound on the wait', route('timeouts: { request: ‸off }'), 'unbounded-wait'],
  ['the total as the bound', route('timeouts: { request: off, total: 1h }'), undefined],
  [
    'a drain below the longest request',
    `drain: { timeout: ‸5s }\n${route('timeouts: { request: 6s }')}`,
    'drain-too-short',
  ],
  ['a drain below the built-in request timeout', `drain: { timeout: 5s }\n${route('')}`, undefined],
  ['the built-in drain below a request', route('timeouts: { request: ‸21s }'), 'drain-too-short'],
  ['the built-in drain, not below it', route('timeouts: { request: 20s }'), undefined],

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

  [
    'a breaker with too many requests',
    route('bulkhead: { maxConcurrent: 5 }\ncircuitBreaker: { minRequests: ‸16, window: 10s }'),
    'breaker-never-opens',
  ],
  [
    'one with just as many as can be',
    route('bulkhead: { maxConcurrent: 5 }\ncircuitBreaker: { minRequests: 10, window: 10s }'),
    undefined,
  ],
  [
    'one whose window holds a second round',
    route('bulkhead: { maxConcurrent: 5 }\ncircuitBreaker: { minRequests: 15, window: 16s }'),
    undefined,
  ],
  [
    'one that does not judge timeouts',
    route('bulkhead: { maxConcurrent: 5 }\ncircuitBreaker: { minRequests: 16, when: connect }'),
    undefined,
  ],
  [
    'a bulkhead that refuses nothing',
    route('bulkhead: { maxConcurrent: 5, mode: shadow }\ncircuitBreaker: { minRequests: 16 }'),
    undefined,
  ],
  [
    'twice as many attempts with a hedge',
    route('bulkhead: { maxConcurrent: 5 }\ncircuitBreaker: { minRequests: 20, window: 10s }\nhedge: {}'),
    undefined,
  ],
  [
    'a window below the attempt timeout',
    route('timeouts: { attempt: 5s }\ncircuitBreaker: { window: ‸4s }'),
    'breaker-window-short',
  ],
  ['a window as long', route('timeouts: { attempt: 5s }\ncircuitBreaker: { window: 5s }'), undefined],

  [
    'a hedge of requests that may not be repeated',
    route('‸hedge: {}', undefined, '{ path: /a, methods: [POST, PATCH] }'),
    'hedge-never-happens',
  ],
  ['one of which some may', route('hedge: {}', undefined, '{ path: /a, methods: [POST, GET] }'), undefined],
  ['a hedge without retries', route('‸hedge: {}\nretries: off'), 'hedge-never-happens'],
  [
    'a hedge without a second endpoint',
    route('‸hedge: {}', '{ endpoints: [ http://10.0.0.1:8080 ] }'),
    'hedge-never-happens',
  ],
  ['a hedge after the end', route('‸hedge: { delay: 2s }\ntimeouts: { request: 2s }'), 'hedge-never-happens'],
  ['a hedge just before it', route('hedge: { delay: 1999ms }\ntimeouts: { request: 2s }'), undefined],

  [
    'a fallback for other methods',
    route('‸fallback: { status: 503 }', undefined, '{ path: /a, methods: POST }'),
    'fallback-never-used',
  ],
  [
    'a fallback for one of them',
    route('fallback: { status: 503 }', undefined, '{ path: /a, methods: [POST, GET] }'),
    undefined,
  ],
  [
    'a fallback for HEAD of what takes GET',
    route('fallback: { methods: HEAD }', undefined, '{ path: /a, methods: GET }'),
    undefined,
  ],
  [
    'a fallback of an answer, which shedding needs',
    'routes:\n  a: { match: {}, respond: {}, fallback: {} }',
    undefined,
  ],

  [
    'an endpoint limit above the connections',
    route('', '{ endpoints: [ { url: "http://10.0.0.1:80", maxConcurrent: ‸9 } ], connections: { max: 8 } }'),
    'limit-never-reached',
  ],
  [
    'one that is reached',
    route('', '{ endpoints: [ { url: "http://10.0.0.1:80", maxConcurrent: 8 } ], connections: { max: 8 } }'),
    undefined,
  ],
  [
    'a bulkhead above all endpoints',
    route('bulkhead: { maxConcurrent: ‸9 }', '{ endpoints: [ { url: "http://10.0.0.1:80", maxConcurrent: 8 } ] }'),
    'limit-never-reached',
  ],
  [
    'one above them with a failover',
    `${route('bulkhead: { maxConcurrent: 9 }\nfailover: v', '{ endpoints: [ { url: "http://10.0.0.1:80", maxConcurrent: 8 } ] }').replace('routes:', '  v: { endpoints: [ http://v:80 ] }\nroutes:')}`,
    undefined,
  ],
  [
    'an adaptive limit above the fixed one',
    route('bulkhead: { maxConcurrent: 50, adaptive: { max: ‸60, min: 1, initial: 20 } }'),
    'limit-never-reached',
  ],

  [
    'a health check longer than its interval',
    route('', `{ endpoints: ${TWO}, healthCheck: { interval: 1s, timeout: ‸2s } }`),
    'health-check-overlaps',
  ],
  [
    'an interval below the built-in timeout',
    route('', `{ endpoints: ${TWO}, healthCheck: { interval: ‸500ms } }`),
    'health-check-overlaps',
  ],
  ['one as long', route('', `{ endpoints: ${TWO}, healthCheck: { interval: 1s } }`), undefined],
  [
    'a subset of as many as there are',
    route('', `{ endpoints: ${TWO}, subset: { size: ‸2, hashOn: { path: true } } }`),
    'subset-of-all',
  ],
  ['a subset of one less', route('', `{ endpoints: ${TWO}, subset: { size: 1, hashOn: { path: true } } }`), undefined],
  [
    'a certificate that nobody checks',
    route('', '{ endpoints: [ https://u ], tls: { verify: ‸false } }'),
    'tls-not-verified',
  ],
  [
    'an upstream that waits for its share',
    `${route('').replace('to: u', 'to: [ { upstream: u }, { upstream: v, weight: 0 } ]').replace('routes:', '  v: { endpoints: [ http://v:80 ] }\nroutes:')}`,
    undefined,
  ],
  [
    'an upstream that takes over',
    `${route('failover: v').replace('routes:', '  v: { endpoints: [ http://v:80 ] }\nroutes:')}`,
    undefined,
  ],
]

describe('lints', () => {
  it.each(CASES)('%s', async (_name, sections, expected) => {
    await expectAt(sections, expected)
  })

  it('tell once what stands in the defaults of many routes', async () => {
    const routes = ['a', 'b', 'c'].map((name) => `  ${name}: { match: { path: /${name} }, to: u }\n`).join('')
    const text = `defaults: { route: { timeouts: { request: ‸off } } }\nupstreams: { u: { endpoints: ${TWO} } }\nroutes:\n${routes}`
    await expectAt(text, 'unbounded-wait')
  })

  it('do not look at a config with errors', async () => {
    const { diagnostics } = await load(route('timeouts: { request: off, total: never }'))
    expect(diagnostics.map(({ lint, severity }) => [severity, lint])).toEqual([['error', undefined]])
  })
})

describe('plain-text-secret', () => {
  const set = (field: string): string => route(`headers: { request: { set: { ${field} } } }`)
  const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl'

  it.each([
    'authorization: Basic dXNlcjpwYXNz',
    'proxy-authorization: abc',
    'x-api-key: abc',
    'x-auth-token: abc',
    'x-callback: "https://user:pass@example.com/"',
    `x-user: ${JWT}`,
    'x-id: "Zk3mQ9rT7vXw2LpB8sNc4HdJ6fGy1KeA"',
  ])('finds %s', async (field) => {
    await expectAt(set(field.replace(': ', ': ‸')), 'plain-text-secret')
    const { diagnostics } = await load(set(field))
    expect(diagnostics[0]?.secret).toBe(true)
    expect(diagnostics[0]?.message).not.toContain(field.split(': ')[1])
  })

  it.each([
    // biome-ignore lint/suspicious/noTemplateCurlyInString: values of the environment are written so
    'authorization: "Bearer ${SECRET}"',
    'authorization: ""',
    'x-request-token-type: jwt',
    'content-security-policy: "default-src https://a.example.com; script-src https://b.example.com"',
    'etag: "0123456789abcdef0123456789abcdef01234567"',
    'x-docs: "https://example.com/a@b:c"',
  ])('leaves %s', async (field) => {
    expect(await found(set(field))).toEqual([])
  })

  it('looks at exact conditions, and not at those that only ask for a scheme', async () => {
    const match = (headers: string): string => route('', undefined, `{ headers: { ${headers} } }`)
    await expectAt(match('x-api-key: { exact: ‸abc }'), 'plain-text-secret')
    expect(await found(match('x-api-key: { present: true }, authorization: { prefix: "Bearer " }'))).toEqual([])
  })
})
