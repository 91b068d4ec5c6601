import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let large: TestUpstream
let half: TestUpstream
let canary: TestUpstream
let sluice: Sluice
let down = false

beforeAll(async () => {
  large = await testUpstream((_req, res) => void res.writeHead(down ? 503 : 200).end('large'))
  half = await testUpstream((_req, res) => void res.end('half'))
  canary = await testUpstream((_req, res) => void res.end('canary'))
  sluice = await startSluice(`${TOP}
defaults:
  route:
    retries: off
    circuitBreaker: { minRequests: 10, openFor: 500ms, halfOpen: { attempts: 2, ramp: 1s } }
  upstream: { outlierDetection: off }
upstreams:
  large: { endpoints: ["${large.url}"] }
  half: { endpoints: ["${half.url}"] }
  canary: { endpoints: ["${canary.url}"] }
routes:
  spills:
    match: { path: /spills }
    to: [{ upstream: large, weight: 66 }, { upstream: half, weight: 32 }, { upstream: canary, weight: 2 }]
  stays:
    match: { path: /stays }
    spill: off
    to: [{ upstream: large, weight: 66 }, { upstream: half, weight: 34 }]
`)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  for (const upstream of [large, half, canary]) await upstream.close()
})

async function ask(path: string, count: number): Promise<Record<string, number>> {
  const got: Record<string, number> = {}
  for (let i = 0; i < count; i++) {
    const { body, status } = await sluice.get(path)
    const key = status === 200 ? body : body.includes('breaker_open') ? 'refused' : `${body} ${status}`
    got[key] = (got[key] ?? 0) + 1
  }
  return got
}

test('an open breaker sends first attempts to the others that are large enough, and nobody is refused until it is closed again', async () => {
  down = true
  await until(
    async () => (await ask('/spills', 10))['large 503'] === undefined,
    () => 'the breaker to open',
  )
  const open = await ask('/spills', 150)
  expect(open.large).toBe(undefined)
  expect(open.refused).toBe(undefined)
  // Probes.
  expect(open['large 503'] ?? 0).toBeLessThan(30)
  // 2 % of its own, and none of the 66 % of the other.
  expect(open.canary ?? 0).toBeLessThan(18)
  down = false
  const seen: Record<string, number>[] = []
  await until(
    async () => {
      seen.push(await ask('/spills', 20))
      return (seen.at(-1)?.large ?? 0) >= 10
    },
    () => JSON.stringify(seen),
  )
  expect(seen.filter((got) => got.refused !== undefined)).toEqual([])
  const { body } = await sluice.probe('/metrics')
  expect(body).toMatch(/^sluice_spilled_total\{route="spills",from="large",to="half"\} [1-9]\d*$/m)
  expect(body).not.toContain('to="canary"')
})

test('with spill: off its share is refused', async () => {
  down = true
  await until(
    async () => (await sluice.get('/stays')).body.includes('breaker_open'),
    () => 'the breaker to open',
  )
  const got = await ask('/stays', 40)
  expect(got.refused).toBeGreaterThan(10)
  expect(got.half).toBeGreaterThan(3)
  down = false
})
