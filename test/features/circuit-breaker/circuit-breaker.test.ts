import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { logged } from '../../kit/reload.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let upstream: TestUpstream
let spare: TestUpstream
let sluice: Sluice
let status: number

beforeAll(async () => {
  upstream = await testUpstream((_req, res) => void res.writeHead(status).end())
  spare = await testUpstream((_req, res) => void res.writeHead(200).end('spare'))
  sluice = await startSluice(`${TOP.replace('workers: 2', 'workers: 3')}
upstreams:
  app: { endpoints: ["${upstream.url}"] }
  spare: { endpoints: ["${spare.url}"] }
defaults:
  route:
    retries: off
    circuitBreaker: { minRequests: 10, openFor: 60s, halfOpen: { attempts: 2, ramp: 0s } }
routes:
  app: { match: { path: /app }, to: app }
  other: { match: { path: /other }, to: app }
  brief: { match: { path: /brief }, to: app, circuitBreaker: { openFor: 1s } }
  forced: { match: { path: /forced }, to: app }
  backed: { match: { path: /backed }, to: app, failover: [spare] }
  bare: { match: { path: /bare }, to: app, circuitBreaker: off }
`)
})

beforeEach(() => {
  status = 200
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
  await spare.close()
})

/** Each on a connection of its own, so that they spread over the workers. */
async function statuses(path: string, count: number): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: count }, () => sluice.get(path)))
  return answers.map((answer) => answer.status)
}

async function opens(path: string): Promise<void> {
  status = 503
  await until(async () => (await sluice.get(path)).body.includes('breaker_open'), 'the breaker opens')
}

async function states(): Promise<Record<string, string>> {
  const { breakers } = JSON.parse((await sluice.admin('/api/v1/breakers')).body) as {
    breakers: { route: string; upstream: string; state: string }[]
  }
  return Object.fromEntries(breakers.map(({ route, upstream: to, state }) => [`${route} ${to}`, state]))
}

/** Asks until the breaker is in that state. */
async function reaches(breaker: string, state: string, path: string): Promise<void> {
  await until(async () => {
    if ((await states())[breaker] === state) return true
    await sluice.get(path)
    return false
  }, `${breaker} ${state}`)
}

async function force(body: object): Promise<number> {
  const token = (await readFile(join(sluice.folder, 'state/sluice/test/admin-token'), 'utf8')).trim()
  const answer = await fetch(`http://127.0.0.1:${sluice.adminPort}/api/v1/breakers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return answer.status
}

describe('a circuit breaker of three workers', () => {
  test('opens in all of them at once; the upstream sees nothing more, and other routes go on', async () => {
    await opens('/app')
    const seen = upstream.seen.length
    expect(await statuses('/app', 60)).toEqual(new Array(60).fill(503))
    expect(upstream.seen.length).toBe(seen)
    expect(await states()).toEqual({
      'app app': 'open',
      'other app': 'closed',
      'brief app': 'closed',
      'forced app': 'closed',
      'backed app': 'closed',
      'backed spare': 'closed',
    })
    status = 200
    expect(await statuses('/other', 5)).toEqual([200, 200, 200, 200, 200])
    await sluice.shows(
      'sluice_breaker_state{route="app",upstream="app",state="open"} 1',
      'sluice_breaker_transitions_total{route="app",upstream="app",to="open"} 1',
    )
  })

  test('says when to come again, and recovers by then', async () => {
    await opens('/brief')
    const refused = await sluice.get('/brief')
    expect(refused.headers['retry-after']).toMatch(/^[12]$/)
    expect(refused.headers['proxy-status']).toContain('details="breaker_open"')
    status = 200
    await reaches('brief app', 'closed', '/brief')
    expect(await statuses('/brief', 30)).toEqual(new Array(30).fill(200))
  })

  test('sends on to the failover upstream while it is open', async () => {
    status = 503
    await reaches('backed app', 'open', '/backed')
    expect(await sluice.get('/backed')).toMatchObject({ status: 200, body: 'spare' })
  })

  test('off is off', async () => {
    status = 503
    const before = upstream.seen.length
    await statuses('/bare', 40)
    expect(upstream.seen.length).toBe(before + 40)
  })

  test('can be forced open and closed for a time', async () => {
    const before = upstream.seen.length
    expect(await force({ route: 'forced', to: 'open', for: '1h' })).toBe(200)
    expect(await statuses('/forced', 20)).toEqual(new Array(20).fill(503))
    expect(upstream.seen.length).toBe(before)
    expect((await sluice.get('/forced')).headers['retry-after']).toBe('3600')
    expect(await force({ route: 'forced', to: 'auto' })).toBe(200)
    expect(await statuses('/forced', 20)).toEqual(new Array(20).fill(200))
    expect(await force({ route: 'forced', upstream: 'app', to: 'closed', for: '1h' })).toBe(200)
    status = 503
    await statuses('/forced', 40)
    expect(upstream.seen.length).toBe(before + 60)
    expect(await force({ route: 'forced', to: 'closed', for: '1s' })).toBe(200)
    await until(async () => (await states())['forced app'] !== 'forced_closed', 'the end of its time')
    await logged(sluice, 'command', 4)
  })

  test.each([
    [{ to: 'open' }, 400],
    [{ route: 'app', to: 'open' }, 400],
    [{ route: 'nobody', to: 'auto' }, 400],
    [{ route: 'app', upstream: 'spare', to: 'auto' }, 400],
    [{ route: 'app', to: 'ajar', for: '1m' }, 400],
    [{ route: 'app', to: 'open', for: '1 year' }, 400],
  ])('a command that makes no sense changes nothing: %j', async (body, expected) => {
    const before = await states()
    expect(await force(body)).toBe(expected)
    expect(await states()).toEqual(before)
  })
})
