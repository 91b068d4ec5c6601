import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { serverEvents } from '../../../src/cli/events.ts'
import { ERRORS } from '../../../src/control/admin/contract.ts'
import { ofOperation } from '../../../src/control/admin/openapi/description.ts'
import { openApi } from '../../../src/control/admin/openapi/document.ts'
import { ENDPOINT_STATES } from '../../../src/control/contract.ts'
import type { Description as OperationText } from '../../../src/core/operation.ts'
import { breakerStates } from '../../../src/features/circuit-breaker/states.ts'
import type { JsonSchema } from '../../../src/schema/schema.ts'
import { faultOperation } from '../../../src/tools/demo/fault-operation.ts'
import { FAULTS } from '../../../src/tools/demo/faults.ts'
import { STAGES } from '../../../src/tools/explain/progress.ts'
import { Description, formProblems, type Listed, type OpenApi, type OperationObject } from '../../kit/openapi.ts'
import { type Answer, fetchRaw, type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort, tcpServer } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

const TOKENS = { eye: 'see', ci: 'do-things' } as const

let upstream: TestUpstream
let silent: Awaited<ReturnType<typeof tcpServer>>
let gateway: Sluice
let guarded: Sluice
let api: Description
let story: string
let config: string
/** Answers that wait for the test. */
const held: (() => void)[] = []

beforeAll(async () => {
  upstream = await testUpstream((req, res) => {
    if (req.url?.startsWith('/fail') === true) res.writeHead(503)
    if (req.url?.startsWith('/held') === true) held.push(() => res.end('late'))
    else if (req.url?.startsWith('/slow') === true) setTimeout(() => res.end('late'), 150)
    else res.end('ok')
  })
  silent = await tcpServer()
  const refusing = `http://127.0.0.1:${await closedPort()}`
  config = `${TOP}
flightRecorder: { slow: 100ms }
upstreams:
  app: { endpoints: ["${upstream.url}", { url: "${refusing}", zone: a, tier: 1 }], healthCheck: { type: tcp, interval: 100ms } }
  gone: { endpoints: ["${refusing}"] }
  stingy: { endpoints: ["${refusing}"], retryBudget: { percent: 0%, minRetryRate: { count: 0 } } }
  silent: { endpoints: ["http://127.0.0.1:${silent.port}"] }
  named: { endpoints: { dns: "localhost:${upstream.port}" } }
routes:
  app:
    match: { path: "/app/{id}" }
    to: [{ upstream: app, weight: 3 }, { upstream: named, weight: 1 }]
    slo: { availability: 99.9%, latency: { p99: 300ms } }
  slow: { match: { path: /slow }, to: app }
  fail: { match: { path: /fail }, to: app, retries: { maxExtra: 1, when: [503] }, circuitBreaker: off }
  failover: { match: { path: /over }, to: gone, failover: [app], circuitBreaker: off }
  open: { match: { path: /open }, to: gone, retries: off, circuitBreaker: { minRequests: 1, openFor: 60s } }
  stingy: { match: { path: /stingy }, to: stingy, retries: { maxExtra: 2, when: [connect] } }
  fallen: { match: { path: /fallen }, to: gone, retries: off, fallback: { body: instead } }
  deadline: { match: { path: /deadline }, to: silent, retries: off, timeouts: { request: 200ms } }
  held: { match: { path: /held }, to: app, bulkhead: { maxConcurrent: 1, queue: { size: 1, maxWait: 50ms } } }
  old: { match: { path: /old }, redirect: { path: /app/1 } }
`
  gateway = await startSluice(config)
  const auth = `admin: { listen: "127.0.0.1:0", auth: { tokens: [
    { name: eye, role: viewer, secret: { env: EYE } }, { name: ci, role: operator, secret: { env: CI } }] } }
`
  guarded = await startSluice(
    `${TOP.replace('admin: { listen: "127.0.0.1:0" }\n', auth)}routes: { all: { match: { path: /* }, respond: {} } }\n`,
    { env: { EYE: TOKENS.eye, CI: TOKENS.ci } },
  )
  api = new Description(JSON.parse((await gateway.admin('/api/v1/openapi.json')).body) as OpenApi)
  for (const path of ['/app/1', '/old', '/fail', '/over', '/open', '/open', '/stingy', '/fallen', '/deadline', '/slow'])
    await gateway.get(path)
  const waiting = gateway.get('/held')
  await until(() => held.length > 0)
  expect((await gateway.get('/held')).status).toBe(503)
  held[0]?.()
  expect((await waiting).status).toBe(200)
  story = (await gateway.get('/fail')).headers['sluice-request-id'] as string
  await until(async () => (await gateway.admin(`/api/v1/requests/${story}`)).status === 200, 'the story')
})

afterAll(async () => {
  expect(await gateway?.stop()).toBe(0)
  expect(await guarded?.stop()).toBe(0)
  await upstream?.close()
  await silent?.close()
})

/** What to ask with, where a path alone is no question. */
const asked = (path: string): string => {
  const queries: Readonly<Record<string, string>> = { '/api/v1/config/effective': '?route=app' }
  return path.replace('{id}', story) + (queries[path] ?? '')
}
const isStream = ({ key }: Listed): boolean => api.response(key, 200)?.content['text/event-stream'] !== undefined
const reads = (): Listed[] => api.operations.filter((listed) => listed.method === 'GET' && !isStream(listed))
const acts = (): Listed[] => api.operations.filter(({ method }) => method === 'POST')
const problems = (key: string, { body, headers, status }: Answer): string[] =>
  api.problems(key, status, headers['content-type'], body)

async function bearer(token?: string): Promise<Record<string, string>> {
  return { authorization: `Bearer ${token ?? (await gateway.token())}` }
}

/** Bodies that make sense, by path. */
const bodies = (): Readonly<Record<string, object>> => ({
  '/api/v1/breakers': { route: 'app', upstream: 'app', to: 'closed', for: '10m' },
  '/api/v1/endpoints': { upstream: 'silent', endpoint: `127.0.0.1:${silent.port}`, to: 'drain' },
  '/api/v1/log-level': { level: 'debug', for: '10m' },
  '/api/v1/profile': { worker: 1, seconds: 1 },
  '/api/v1/explain': { method: 'GET', url: 'http://x.test/app/7', headers: { 'x-a': ['1', '2'] }, from: '10.0.0.1' },
  '/api/v1/config': { yaml: config.replace('100ms }', '200ms }') },
  '/api/v1/rollback': { number: 1 },
  '/api/v1/reload': {},
})

describe('what nobody would read is refused', () => {
  const isProbe = ({ path }: Listed): boolean => !path.startsWith('/api/v1/')

  test('a key of the query that an operation does not know, on every one of them', async () => {
    const headers = { ...(await bearer()), 'content-type': 'application/json' }
    const asked: string[] = []
    for (const { key, method, path } of api.operations.filter((listed) => !isProbe(listed))) {
      for (const query of ['nonsense=1', 'dryrun=true', 'DRYRUN=true', '__proto__=1']) {
        const at = `${path.replace('{id}', story)}?${query}`
        const sent = method === 'POST' ? JSON.stringify(bodies()[path]) : undefined
        const { body, status } = await fetchRaw(gateway.adminPort, method, at, headers, sent)
        if (status !== 400 || !body.includes(`${query.split('=')[0]}: unknown key; `))
          asked.push(`${key}?${query}: ${status} ${body.slice(0, 200)}`)
      }
    }
    expect(asked).toEqual([])
  })

  test('a member of the body that a command does not know', async () => {
    const headers = { ...(await bearer()), 'content-type': 'application/json' }
    for (const { key, path } of acts()) {
      const body = JSON.stringify({ ...bodies()[path], dryRun: true })
      const answer = await fetchRaw(gateway.adminPort, 'POST', path, headers, body)
      expect([key, answer.status, answer.body.includes('dryRun: unknown key')]).toEqual([key, 400, true])
    }
  })

  test('a method that a path does not have', async () => {
    const paths = Map.groupBy(api.operations, ({ path }) => path)
    for (const [path, listed] of paths) {
      const has = new Set(listed.map(({ method }) => method))
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].filter((one) => !has.has(one))) {
        const { headers, status } = await fetchRaw(gateway.adminPort, method, path.replace('{id}', story), {})
        expect([method, path, status]).toEqual([method, path, 405])
        expect(String(headers.allow).split(', ')).toEqual(expect.arrayContaining([...has]))
      }
    }
  })
})

describe('the document', () => {
  test('has every route of a gateway, each described', () => {
    const silentOnes = api.operations.filter(({ operation }) => (operation.summary ?? '') === '')
    expect(silentOnes.map(({ key }) => key)).toEqual([])
    expect(api.operations.length).toBeGreaterThan(25)
  })

  test('says where two operations mean different things by a name', () => {
    const route = (id: string, schema: JsonSchema) => {
      const says: OperationText = {
        id,
        tag: 'Gateway',
        summary: id,
        answer: { description: 'It.', schema: {} },
        schemas: { Thing: schema },
      }
      return {
        method: 'GET',
        path: `/api/v1/${id}`,
        needs: 'viewer',
        acts: false,
        takes: {},
        says: ofOperation(says),
      } as const
    }
    const text = { type: 'string' }
    expect(() => openApi([route('a', text), route('b', { ...text })])).not.toThrow()
    expect(() => openApi([route('a', text), route('b', { type: 'number' })])).toThrow('b: the schema Thing')
  })

  test('has the form of OpenAPI 3.1', () => {
    expect(formProblems(api.document)).toEqual([])
  })

  test('is for viewers, and the same for all', async () => {
    const ask = async (headers: Record<string, string>) =>
      fetchRaw(guarded.adminPort, 'GET', '/api/v1/openapi.json', headers)
    expect((await ask({})).status).toBe(401)
    const seen = await ask(await bearer(TOKENS.eye))
    expect(JSON.parse(seen.body)).toEqual(api.document)
  })

  const page = readFileSync(join(import.meta.dirname, '../../../docs/operations/admin-api.md'), 'utf8')

  test('lists the values that the code knows', () => {
    const { schemas } = api.document.components
    expect(schemas.BreakerState?.enum).toEqual(Object.keys(breakerStates.states))
    expect(schemas.EndpointState?.enum).toEqual(ENDPOINT_STATES)
    const types = Object.keys(ERRORS).map((code) => `urn:sluice:admin:${code}`)
    expect(schemas.Error).toMatchObject({ properties: { type: { enum: types } } })
    expect(schemas.NearMiss).toMatchObject({ properties: { failed: { enum: STAGES } } })
  })

  test('and docs/operations/admin-api.md names each of its paths, and of the API no other', () => {
    const missing = api.operations.filter(({ method, path }) =>
      path.startsWith('/api/') ? !page.includes(`\`${method} ${path}`) : !page.includes(path),
    )
    expect(missing.map(({ key }) => key)).toEqual([])
    const known = api.operations.map(({ key }) => key.replace(/\{\w+\}.*/, ''))
    const named = [...page.matchAll(/`((?:GET|POST) \/api\/v1\/[\w./-]*)/g)].map((match) => match[1] as string)
    expect([...new Set(named)].filter((key) => !known.includes(key))).toEqual(['POST /api/v1/demo/faults'])
  })

  test('and its table of errors is that of the code', () => {
    const rows = [...page.matchAll(/^\| `urn:sluice:admin:(\w+)` \| [\d, ]+ \| (.+) \|$/gm)]
    expect(rows.map(([, code, title]) => [code, title])).toEqual(Object.entries(ERRORS))
  })
})

describe('what is read', () => {
  test('each answer is as described', async () => {
    expect(reads().length).toBeGreaterThan(15)
    for (const { key, path } of reads()) {
      const answer = await fetchRaw(gateway.adminPort, 'GET', asked(path), await bearer())
      expect([key, answer.status, problems(key, answer)]).toEqual([key, 200, []])
    }
  })

  test('the stories of all kinds of requests are', async () => {
    const { requests } = JSON.parse((await gateway.admin('/api/v1/requests?limit=1000')).body) as {
      requests: { requestId: string }[]
    }
    const kinds = new Set<string>()
    for (const { requestId } of requests) {
      const answer = await gateway.admin(`/api/v1/requests/${requestId}`)
      expect(problems('GET /api/v1/requests/{id}', answer)).toEqual([])
      for (const [, kind] of answer.body.matchAll(/"kind":"(\w+)"/g)) kinds.add(kind as string)
    }
    expect([...kinds]).toEqual(
      expect.arrayContaining(['attempt', 'refused', 'decided', 'queued', 'deadline', 'fallback', 'ended']),
    )
  })

  test('a parameter that is not described is refused, and each that is is known', async () => {
    const values: Readonly<Record<string, string>> = {
      status: '5xx',
      reason: 'idle_timeout',
      method: 'GET',
      why: 'slow',
      limit: '2',
      for: '1s',
      before: '7',
      since: '2026-11-30T09:00:00Z',
      until: '2026-11-30T09:00:00.123Z',
    }
    for (const { key, operation, path } of reads()) {
      const inQuery = operation.parameters.filter((parameter) => parameter.in === 'query')
      if (inQuery.length === 0) continue
      for (const { name } of inQuery) {
        const url = `${path.replace('{id}', story)}?${name}=${values[name] ?? 'app'}`
        const answer = await fetchRaw(gateway.adminPort, 'GET', url, await bearer())
        const needed = inQuery.some(({ name: other, required }) => required === true && other !== name)
        expect([url, answer.status, problems(key, answer)]).toEqual([url, needed ? 400 : 200, []])
      }
      const answer = await fetchRaw(gateway.adminPort, 'GET', `${path}?nonsense=1`, await bearer())
      expect([key, answer.status, problems(key, answer)]).toEqual([key, 400, []])
    }
  })

  test('what is not there is', async () => {
    const unknown: readonly (readonly [string, string])[] = [
      ['GET /api/v1/requests/{id}', '/api/v1/requests/nobody'],
      ['GET /api/v1/config/effective', '/api/v1/config/effective?route=nobody'],
      ['GET /api/v1/config/effective', '/api/v1/config/effective?upstream=nobody'],
    ]
    for (const [key, path] of unknown) {
      const answer = await gateway.admin(path)
      expect([answer.status, problems(key, answer)]).toEqual([404, []])
    }
  })

  test('events are', async () => {
    const streams = api.operations.filter(isStream)
    expect(streams.map(({ path }) => path)).toEqual(['/api/v1/events', '/api/v1/tap'])
    const seen = new Set<string>()
    for (const { key, path } of streams) {
      const leave = new AbortController()
      const url = `http://127.0.0.1:${gateway.adminPort}${path}`
      const answer = await fetch(url, { headers: await bearer(), signal: leave.signal })
      expect(answer.headers.get('content-type')).toBe('text/event-stream')
      const described = api.response(key, 200)?.content['text/event-stream']?.['x-events'] ?? {}
      const wanted = path.endsWith('tap') ? ['request'] : ['snapshot', 'update']
      await gateway.get('/fail')
      for await (const { data, event } of serverEvents(answer.body as ReadableStream<Uint8Array>)) {
        expect(api.mismatches(described[event] as JsonSchema, data)).toEqual([])
        seen.add(event)
        if (wanted.every((name) => seen.has(name))) break
      }
      leave.abort()
    }
  })
})

describe('what is done', () => {
  test('each body and its answer are as described', async () => {
    expect(
      acts()
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(Object.keys(bodies()).toSorted())
    for (const { key, operation, path } of acts()) {
      const body = bodies()[path] as object
      expect(api.mismatches(bodySchema(operation), body)).toEqual([])
      const answer = await gateway.command(path.slice('/api/v1/'.length), body)
      expect([key, answer.status, problems(key, answer)]).toEqual([key, 200, []])
    }
    expect((await gateway.command('endpoints', { ...bodies()['/api/v1/endpoints'], to: 'undrain' })).status).toBe(200)
  })

  test('what the described body does not allow is refused', async () => {
    for (const { key, operation, path } of acts()) {
      const { required = [], properties = {} } = bodySchema(operation) as {
        readonly required?: readonly string[]
        readonly properties?: object
      }
      const body = bodies()[path] as object
      const bad =
        Object.keys(properties).length === 0
          ? []
          : [
              { ...body, nonsense: 1 },
              { ...body, ...nothings(properties) },
            ]
      const less = required.map((name) => Object.fromEntries(Object.entries(body).filter(([key]) => key !== name)))
      for (const wrong of [...bad, ...less]) {
        const answer = await gateway.command(path.slice('/api/v1/'.length), wrong)
        expect([key, answer.status, problems(key, answer)]).toEqual([key, 400, []])
      }
    }
  })

  test('a dry run is one, or is refused: nothing is done for it', async () => {
    const before = (await gateway.admin('/api/v1/breakers')).body
    const { hash } = JSON.parse((await gateway.admin('/api/v1/config')).body) as { hash: string }
    for (const { key, operation, path } of acts()) {
      const knows = operation.parameters.some(({ name }) => name === 'dryRun')
      const body = { ...bodies()[path], ...(path.endsWith('breakers') && { to: 'open' }) }
      const answer = await gateway.command(`${path.slice('/api/v1/'.length)}?dryRun=true`, body)
      expect([key, answer.status, problems(key, answer)]).toEqual([key, knows ? 200 : 400, []])
      const odd = await gateway.command(`${path.slice('/api/v1/'.length)}?dryRun=1`, body)
      expect([key, odd.status]).toEqual([key, 400])
    }
    expect((await gateway.admin('/api/v1/breakers')).body).toBe(before)
    expect(JSON.parse((await gateway.admin('/api/v1/config')).body)).toMatchObject({ hash })
  })

  test('configs that are refused are told as described', async () => {
    const key = 'POST /api/v1/config'
    const bad = await gateway.command('config', { yaml: config.replace('to: gone', 'to: nobody') })
    expect([bad.status, problems(key, bad)]).toEqual([422, []])
    const other = await gateway.command('config', { yaml: config }, { 'if-match': '"0"' })
    expect([other.status, problems(key, other)]).toEqual([412, []])
    const none = await gateway.command('rollback', { number: 999 })
    expect([none.status, problems('POST /api/v1/rollback', none)]).toEqual([422, []])
    const headers = { ...(await bearer()), 'content-type': 'text/plain' }
    const plain = await fetchRaw(gateway.adminPort, 'POST', '/api/v1/config', headers, '{}')
    expect([plain.status, problems(key, plain)]).toEqual([415, []])
    const large = await gateway.command('log-level', { level: 'x'.repeat(100_000) })
    expect([large.status, problems('POST /api/v1/log-level', large)]).toEqual([413, []])
  })

  test('the demo takes what its description says', () => {
    const { path, says, takes = {} } = faultOperation({ setFault: () => ({ changed: [] }) })
    const route = { method: 'POST', path: `/api/v1/${path}`, needs: 'operator', acts: true, takes } as const
    const demo = new Description(openApi([{ ...route, says: ofOperation(says) }]) as OpenApi)
    const schema = bodySchema(demo.operation('POST /api/v1/demo/faults'))
    for (const fault of FAULTS) expect(demo.mismatches(schema, { port: 9101, fault })).toEqual([])
    expect(demo.mismatches(schema, { port: 9101, fault: 'off' })).not.toEqual([])
    expect(
      demo.problems('POST /api/v1/demo/faults', 200, 'application/json', '{"changed":[{"port":9101,"fault":"slow"}]}'),
    ).toEqual([])
  })
})

describe('who may', () => {
  /** The status for somebody who may is any other than these. */
  const REFUSED = [401, 403]
  const refusal = async ({ key, method, path }: Listed, gatewayOf: Sluice, headers: Record<string, string>) => {
    const fields = { ...headers, ...(method === 'POST' && { 'content-type': 'application/json' }) }
    const url = `http://127.0.0.1:${gatewayOf.adminPort}${path.replace('{id}', 'none')}`
    const answer = await fetch(url, { method, headers: fields, ...(method === 'POST' && { body: '[]' }) })
    const { status } = answer
    const text = REFUSED.includes(status) ? await answer.text() : '{}'
    await answer.body?.cancel().catch(() => {})
    if (REFUSED.includes(status))
      expect(api.problems(key, status, answer.headers.get('content-type') ?? '', text)).toEqual([])
    return status
  }

  test('without a token, by what is free; with one, by its role', async () => {
    for (const listed of api.operations) {
      const { key, operation } = listed
      const needed = operation.security.flatMap((requirement) => requirement.bearer ?? [])
      const free = operation.security.length === 0 || operation.security.some((one) => Object.keys(one).length === 0)
      expect([key, (await refusal(listed, gateway, {})) === 401]).toEqual([key, !free])
      expect([key, (await refusal(listed, guarded, {})) === 401]).toEqual([key, needed.length > 0])
      const viewer = await refusal(listed, guarded, await bearer(TOKENS.eye))
      const admin = needed.includes('admin')
      expect([key, viewer === 403]).toEqual([key, admin || needed.includes('operator')])
      expect([key, (await refusal(listed, guarded, await bearer(TOKENS.ci))) === 403]).toEqual([key, admin])
    }
  })
})

function bodySchema({ requestBody }: OperationObject): JsonSchema {
  return requestBody?.content['application/json']?.schema as JsonSchema
}

/** No key of a body may be an empty list. */
function nothings(properties: object): object {
  return Object.fromEntries(Object.keys(properties).map((name) => [name, []]))
}
