import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fetchRaw } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { sluice as cli } from '../cli/cli.ts'
import { openShop, type Shop } from './kit/shop.ts'

let shop: Shop

beforeAll(async () => {
  shop = await openShop()
})

afterAll(() => shop?.close())

/** What is looked at here of a snapshot or an update. */
interface Data {
  readonly fields: { readonly route: readonly string[] }
  readonly routes?: { readonly good?: readonly number[] }
  readonly endpoints?: object
  readonly breakers?: object
  readonly events: readonly object[]
}

/** Reads events until one is wanted, or 30 s are over. */
async function eventsUntil(wanted: (name: string, data: Data) => boolean): Promise<{ name: string; data: Data }[]> {
  const stop = AbortSignal.timeout(30_000)
  const answer = await fetch(`${shop.url}../api/v1/events`, { signal: stop })
  const seen: { name: string; data: Data }[] = []
  let text = ''
  for await (const chunk of answer.body as unknown as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString()
    const blocks = text.split('\n\n')
    text = blocks.pop() as string
    for (const block of blocks) {
      const name = /^event: (.*)$/m.exec(block)?.[1]
      if (name === undefined) continue
      const data = JSON.parse(/^data: (.*)$/m.exec(block)?.[1] as string) as Data
      seen.push({ name, data })
      if (wanted(name, data)) return seen
    }
  }
  throw new Error('the stream ended')
}

describe('GET /api/v1/events', () => {
  test('tells everything first, then a second later what has changed', async () => {
    const load = setInterval(() => void shop.sluice.get('/good').catch(() => {}), 20)
    try {
      let fields: readonly string[] = []
      const field = ({ routes }: Data, name: string) => routes?.good?.[fields.indexOf(name)]
      const seen = await eventsUntil((name, data) => {
        if (name === 'snapshot') fields = data.fields.route
        return name === 'update' && (field(data, '2xx') ?? 0) > 5
      })
      const [first] = seen
      expect(first?.name).toBe('snapshot')
      expect(first?.data).toMatchObject({
        instance: { gateway: 'test' },
        generation: 1,
        drain: 'serving',
        links: { good: ['good'], text: [] },
        reload: { last: { ok: true, trigger: 'start' } },
      })
      expect(Object.keys(first?.data.endpoints ?? {})).toHaveLength(3)
      expect(Object.values(first?.data.breakers ?? {})).toMatchObject([
        { state: 'closed' },
        { state: 'closed' },
        { state: 'closed' },
      ])
      const { data } = seen.at(-1) as { data: Data }
      expect(field(data, 'p99')).toBeGreaterThan(0)
      expect(data.routes).not.toHaveProperty('text')
      expect(data).not.toHaveProperty('generation')
      expect(seen.slice(1).every(({ name }) => name === 'update')).toBe(true)
    } finally {
      clearInterval(load)
    }
  })

  test('tells what changed its state, and since when it is so', async () => {
    const seen = await eventsUntil((name, data) => {
      if (name === 'snapshot') void shop.sluice.command('breakers', { route: 'bad', to: 'open', for: '1m' })
      return name === 'update' && data.breakers !== undefined
    })
    const { data } = seen.at(-1) as { data: Data }
    expect(data.breakers).toMatchObject({ 'bad good': { state: 'forced_open' } })
    expect(data.events).toMatchObject([{ kind: 'breaker', route: 'bad', from: 'closed', to: 'forced_open' }])
    await shop.sluice.command('breakers', { route: 'bad', to: 'auto' })
  })

  test('keeps a history of all, of a route and of an upstream', async () => {
    const load = setInterval(() => void shop.sluice.get('/good').catch(() => {}), 20)
    const history = async (query: string) =>
      JSON.parse((await shop.sluice.admin(`/api/v1/events/history${query}`)).body)
    await until(async () => (await history('?route=good')).points.length > 0)
    clearInterval(load)
    const { fields, points } = await history('')
    expect(fields).toContain('p95')
    expect(points.at(-1)).toHaveLength(fields.length + 1)
    expect((await history('?upstream=good')).points.length).toBeGreaterThan(0)
    expect(await history('?route=text')).toMatchObject({ points: [] })
    expect((await shop.sluice.admin('/api/v1/events/history?route=a&upstream=b')).status).toBe(400)
  })
})

test('GET /api/v1/config/effective says who says what', async () => {
  const { policies, ...head } = JSON.parse((await shop.sluice.admin('/api/v1/config/effective?route=good')).body)
  expect(head).toMatchObject({ route: 'good', upstreams: [{ upstream: 'good' }], at: { line: expect.any(Number) } })
  const timeouts = policies.find(({ name }: { name: string }) => name === 'timeouts')
  expect(timeouts.values).toContainEqual({
    key: 'request',
    value: '3s',
    source: 'defaults',
    at: expect.objectContaining({ file: expect.stringContaining('sluice.yaml') }),
  })
  expect((await shop.sluice.admin('/api/v1/config/effective?route=no')).status).toBe(404)
  expect((await shop.sluice.admin('/api/v1/config/effective')).status).toBe(400)
  expect((await shop.sluice.admin('/api/v1/config/effective?route=good&upstream=good')).status).toBe(400)
})

test('GET /api/v1/config/effective says so of an upstream, too', async () => {
  const { body } = await shop.sluice.admin('/api/v1/config/effective?upstream=good')
  const { keys, ...head } = JSON.parse(body) as { keys: { name: string; values: { key: string }[] }[] }
  expect(head).toMatchObject({ upstream: 'good', at: { line: expect.any(Number) } })
  const values = (name: string) => keys.find((one) => one.name === name)?.values
  const at = expect.objectContaining({ file: expect.stringContaining('sluice.yaml') })
  expect(values('endpoints')).toMatchObject([{ key: '', source: 'upstream', at }])
  expect(values('connections')).toContainEqual({ key: 'keepAlive', value: '2s', source: 'defaults', at })
  expect(values('connections')).toContainEqual({ key: 'max', value: '1024', source: 'built-in' })
  expect((await shop.sluice.admin('/api/v1/config/effective?upstream=no')).status).toBe(404)
})

test('GET /api/v1/whoami', async () => {
  const who = async (headers: Record<string, string>) =>
    JSON.parse((await shop.sluice.admin('/api/v1/whoami', headers)).body)
  expect(await who({})).toEqual({ name: null, role: 'viewer', by: 'nothing' })
  expect(await who({ authorization: `Bearer ${shop.token}` })).toEqual({ name: 'local', role: 'admin', by: 'token' })
  expect(await who({ authorization: 'Bearer nonsense' })).toEqual({ name: null, role: 'viewer', by: 'nothing' })
})

test('sluice dashboard prints the link with the token, and the line `ready` the address without', async () => {
  const { adminPort, folder, operational } = shop.sluice
  const address = `http://127.0.0.1:${adminPort}`
  const tokenFile = String(operational.find(({ message }) => message === 'ready')?.tokenFile)
  const { code, stdout } = await cli(folder, ['dashboard', '--admin', address, '--token-file', tokenFile])
  expect([code, stdout]).toEqual([0, `${address}/dashboard/#token=${shop.token}\n`])
  expect(operational.find(({ message }) => message === 'ready')).toMatchObject({ dashboard: `${address}/dashboard/` })
  expect(shop.sluice.stderr).not.toContain(shop.token)
})

describe('the files', () => {
  test('are found from the root, whatever prefix a proxy took off', async () => {
    for (const path of ['/', '/dashboard']) {
      const { headers, status } = await shop.sluice.admin(path)
      expect([status, headers.location]).toEqual([302, 'dashboard/'])
    }
  })

  test('come with a strict content policy, and are asked for anew', async () => {
    const { body, headers, status } = await shop.sluice.admin('/dashboard/')
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(headers['content-security-policy']).toContain("default-src 'none'; script-src 'self'")
    expect(headers['content-security-policy']).not.toContain('unsafe')
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(body).not.toMatch(/<style|style=|<script(?! type="module" src=)| on\w+=|https?:/)
    const etag = headers.etag as string
    expect((await shop.sluice.admin('/dashboard/', { 'if-none-match': etag })).status).toBe(304)
    expect((await shop.sluice.admin('/dashboard/uplot.js')).headers['content-type']).toContain('text/javascript')
    expect((await shop.sluice.admin('/dashboard/../server.ts')).status).toBe(404)
  })

  test('may be linked to from elsewhere; the API may not', async () => {
    const linked = { 'sec-fetch-site': 'cross-site' }
    expect((await fetchRaw(shop.sluice.adminPort, 'GET', '/dashboard/', linked)).status).toBe(200)
    expect((await fetchRaw(shop.sluice.adminPort, 'GET', '/api/v1/status', linked)).status).toBe(403)
  })
})
