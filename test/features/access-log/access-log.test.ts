import { writeFile } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Load } from '../../kit/load.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let upstream: TestUpstream
let sluice: Sluice
/** End the answers that `x-hold` asks to wait with. */
let held: (() => void)[]

beforeEach(async () => {
  held = []
  upstream = await testUpstream((req, res) => {
    if (req.url?.startsWith('/part/500')) res.writeHead(500)
    if (req.headers['x-hold'] === undefined) res.end('ok')
    else held.push(() => res.end('at last'))
  })
})

afterEach(async () => {
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
})

const yaml = async (logging = ''): Promise<string> => `${TOP.replace('timeout: 5s', 'timeout: 1s')}${logging}
upstreams:
  app: { endpoints: ["${upstream.url}"] }
  dead: { endpoints: ["http://127.0.0.1:${await closedPort()}"] }
routes:
  all: { match: { path: /all }, to: app }
  other: { match: { path: /other }, to: app }
  part: { match: { path: /part/*, headers: { x-tenant: { present: true } } }, to: app, accessLog: { sample: 50% } }
  off: { match: { path: /off }, to: app, accessLog: off }
  dead: { match: { path: /dead }, to: dead, accessLog: off }
  fallen: { match: { path: /fallen }, to: dead, accessLog: off, fallback: { body: fallen } }
`

async function start(logging = ''): Promise<void> {
  sluice = await startSluice(await yaml(logging))
}

async function dropped(): Promise<number> {
  const line = /^sluice_log_dropped_total (\d+)$/m.exec((await sluice.probe('/metrics')).body)
  return Number(line?.[1])
}

const lineCount = (): number => sluice.stdout.split('\n').length - 1

describe('under full load', () => {
  it('no line is lost while stdout is read: there are as many as answers, each once', async () => {
    await start()
    const load = new Load({ port: sluice.port(), path: '/all', parallel: 64, most: 6_000 })
    await load.more(6_000)
    await load.stop()
    expect(load.broken).toEqual([])
    await until(
      () => lineCount() === 6_000,
      () => `${lineCount()} lines`,
    )
    expect(new Set(sluice.log.map(({ request_id }) => request_id)).size).toBe(6_000)
    expect(await dropped()).toBe(0)
  })

  it('lines that stdout does not take are dropped and counted, and no request waits for them', async () => {
    await start()
    sluice.child.stdout?.pause()
    const load = new Load({ port: sluice.port(), path: '/all', parallel: 64, most: 6_000 })
    await load.more(6_000)
    await load.stop()
    expect([load.broken, [...load.statuses]]).toEqual([[], [[200, 6_000]]])
    await until(async () => (await dropped()) > 0)
    sluice.child.stdout?.resume()
    const all = async (): Promise<boolean> => lineCount() + (await dropped()) === 6_000
    await until(all, () => `${lineCount()} lines`)
    expect(sluice.log).toHaveLength(lineCount())
  })
})

describe('accessLog of a route', () => {
  const TENANT = { 'x-tenant': 'acme' }
  const traceparent = (id: string): Record<string, string> => ({ traceparent: `00-${id}-00f067aa0ba902b7-01` })

  it('samples by the trace ID: the same trace always or never', async () => {
    await start()
    const [first, last] = ['4bf92f3577b34da6a300000000000001', '4bf92f3577b34da6a3ffffff00000000']
    for (const id of [first, last, first, last]) await sluice.get('/part/1', { ...TENANT, ...traceparent(id) })
    await sluice.get('/all?end')
    // Lines of two workers come in any order.
    await until(() => sluice.log.length >= 3)
    expect(sluice.log.map(({ query, trace_id }) => query ?? trace_id).toSorted()).toEqual([last, last, '?end'])
  })

  it('writes every failure, whatever the share', async () => {
    await start()
    const low = { ...TENANT, ...traceparent('4bf92f3577b34da6a300000000000001') }
    const answers = [await sluice.get('/part/500', low), await sluice.get('/off'), await sluice.get('/dead')]
    answers.push(await sluice.get('/fallen'), await sluice.get('/nowhere'))
    expect(answers.map(({ status }) => status)).toEqual([500, 200, 502, 200, 404])
    await until(() => sluice.log.length >= 4)
    const told = sluice.log.map(({ degraded, path, reason }) => [path, reason ?? degraded])
    expect(told.toSorted()).toEqual([
      ['/dead', 'connect_refused'],
      ['/fallen', 'connect_refused'],
      ['/nowhere', 'no_route'],
      ['/part/500', undefined],
    ])
  })

  it('changes with a reload, which ends no request for that', async () => {
    await start()
    const requests = ['/all', '/other'].map((path) => sluice.get(path, { 'x-hold': 'yes' }))
    await until(() => held.length === 2)
    const text = (await yaml('logging: { access: { showQuery: b } }'))
      .replace('/all }, to: app', '/all }, to: app, accessLog: off')
      .replace('/other }, to: app', '/other }, to: app, timeouts: { request: 7s }')
    await writeFile(sluice.file, text)
    // The route that means something else now is cut after drain.timeout; the one that is only logged otherwise is not.
    await sluice.line(({ path, reason }) => path === '/other' && reason !== undefined)
    for (const end of held) end()
    const [all] = await Promise.all([requests[0], requests[1]?.catch(() => {})])
    expect(all).toMatchObject({ status: 200, body: 'at last' })
    await sluice.get('/all?a=1')
    await sluice.get('/part/500?a=1&b=2', TENANT)
    await sluice.line(({ status }) => status === 500)
    const after = sluice.log.filter(({ generation }) => generation === 2)
    expect(after.map(({ query }) => query)).toEqual(['?a=***&b=2'])
  })
})

describe('logging.access', () => {
  it('masks further headers and shows further query keys', async () => {
    await start('logging: { access: { maskHeaders: X-Tenant, showQuery: [page] } }')
    await sluice.get('/part/500?page=2&key=s3cret', { 'x-tenant': 'acme' })
    const { matched_headers, query } = await sluice.line(({ path }) => path === '/part/500')
    expect([matched_headers, query]).toEqual([{ 'x-tenant': '***' }, '?page=2&key=***'])
    expect(sluice.stdout).not.toMatch(/acme|s3cret/)
  })

  it('writes lines as web servers do', async () => {
    await start('logging: { access: { format: combined } }')
    await sluice.get('/all?token=x', { 'user-agent': 'curl/8', referer: 'https://shop.example/?session=s3cret' })
    await until(() => sluice.stdout.endsWith('\n'))
    expect(sluice.stdout).toMatch(
      /^127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/all\?token=\*{3} HTTP\/1\.1" 200 2 "https:\/\/shop\.example\/\?session=\*{3}" "curl\/8"\n$/,
    )
  })
})
