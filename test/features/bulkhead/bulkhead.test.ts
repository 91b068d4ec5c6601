import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let upstream: TestUpstream
let sluice: Sluice
/** Answers that wait for the test. */
const open: (() => void)[] = []

beforeAll(async () => {
  upstream = await testUpstream((req, res) => {
    if (req.url === '/quick') res.end('quick')
    else open.push(() => res.end('done'))
  })
  sluice = await startSluice(`${TOP.replace('workers: 2', 'workers: 3')}
upstreams:
  app: { endpoints: ["${upstream.url}"] }
  small: { endpoints: ["${upstream.url}"], bulkhead: { maxConcurrent: 4 } }
routes:
  one: { match: { path: /one }, to: small }
  two: { match: { path: /two }, to: small, failover: [app] }
  app: { match: { path: /app }, to: app, bulkhead: { maxConcurrent: 7 } }
  shadow: { match: { path: /shadow }, to: app, bulkhead: { maxConcurrent: 7, mode: shadow } }
  quick: { match: { path: /quick }, to: app }
  bare: { match: { path: /bare }, to: app, bulkhead: off }
  here: { match: { path: /here }, respond: { body: here } }
`)
})

afterEach(() => {
  for (const answer of open.splice(0)) answer()
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
})

async function metric(name: string): Promise<number | undefined> {
  const { body } = await sluice.probe('/metrics')
  const line = body.split('\n').find((text) => text.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

describe('a bulkhead of three workers', () => {
  test('is never passed, whichever workers the requests reach, and gives all back', async () => {
    let refused = 0
    const all = Promise.all(
      Array.from({ length: 60 }, async () => {
        const answer = await sluice.get('/app')
        if (answer.status === 503) refused++
        return answer
      }),
    )
    await until(
      () => open.length === 7 && refused === 53,
      () => `${open.length} open, ${refused} refused`,
    )
    expect(await metric('sluice_bulkhead_in_flight{route="app"}')).toBe(7)
    expect((await sluice.get('/quick')).body).toBe('quick')
    for (const answer of open.splice(0)) answer()
    const refusal = (await all).find(({ status }) => status === 503)
    expect(refusal?.headers['retry-after']).toBe('1')
    expect(JSON.parse(refusal?.body as string)).toMatchObject({ reason: 'bulkhead_full', retryable: true })
    await sluice.shows('sluice_bulkhead_in_flight{route="app"} 0\n')
    const name = 'sluice_rejections_total{route="app",policy="bulkhead",reason="bulkhead_full",mode="enforce"}'
    await sluice.shows(`${name} 53\n`)
  })

  test('in shadow refuses nothing and counts what it would', async () => {
    const all = Promise.all(Array.from({ length: 20 }, () => sluice.get('/shadow')))
    await until(() => open.length === 20)
    for (const answer of open.splice(0)) answer()
    expect(new Set((await all).map(({ status }) => status))).toEqual(new Set([200]))
    const name = 'sluice_rejections_total{route="shadow",policy="bulkhead",reason="bulkhead_full",mode="shadow"}'
    await sluice.shows(`${name} 13\n`)
  })

  test('is on by default for routes to upstreams, and off where it is switched off', async () => {
    await sluice.shows('sluice_bulkhead_in_flight{route="quick"} 0\n')
    expect(await metric('sluice_bulkhead_in_flight{route="bare"}')).toBeUndefined()
    expect(await metric('sluice_bulkhead_in_flight{route="here"}')).toBeUndefined()
  })
})

describe('the bulkhead of an upstream', () => {
  test('bounds the attempts of all routes; where there is a failover upstream it takes over', async () => {
    let refused = 0
    const all = Array.from({ length: 20 }, async () => {
      const answer = await sluice.get('/one')
      if (answer.status === 503) refused++
      return answer
    })
    await until(
      () => open.length === 4 && refused === 16,
      () => `${open.length} open, ${refused} refused`,
    )
    const others = Array.from({ length: 5 }, () => sluice.get('/two'))
    await until(() => open.length === 9)
    for (const answer of open.splice(0)) answer()
    const answers = await Promise.all(all)
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual(new Array(5).fill(200))
    const refusal = answers.find(({ status }) => status === 503)
    expect(JSON.parse(refusal?.body as string)).toMatchObject({ reason: 'bulkhead_full' })
    expect(refusal?.headers['retry-after']).toBe('1')
    const name = 'sluice_rejections_total{route="one",policy="upstreamBulkhead",reason="bulkhead_full",mode="enforce"}'
    await sluice.shows(`${name} 16\n`)
  })
})
