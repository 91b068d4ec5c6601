import { describe, expect, it } from 'vitest'
import { expectAt, found, load, route, TWO } from '../../../kit/lints.ts'

/** Name, config, what is found at `‸`; undefined: nothing, though nearly. */
const CASES: readonly (readonly [string, string, string | undefined])[] = [
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
