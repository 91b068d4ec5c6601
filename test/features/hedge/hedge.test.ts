import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let fast: TestUpstream
let hung: TestUpstream
let sluice: Sluice

beforeAll(async () => {
  fast = await testUpstream((_req, res) => void res.writeHead(200).end('fast'))
  hung = await testUpstream(() => {})
  sluice = await startSluice(`${TOP}
upstreams:
  app:
    endpoints: ["${fast.url}", "${hung.url}"]
    loadBalancing: { algorithm: round-robin }
    outlierDetection: off
routes:
  app: { match: { path: /* }, to: app, hedge: { delay: 30ms } }
`)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await fast.close()
  await hung.close()
})

test('an endpoint that hangs costs the delay, and what it was asked is taken back', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, () => sluice.get('/')))
  expect(new Set(answers.map(({ status, body }) => `${status} ${body}`))).toEqual(new Set(['200 fast']))
  expect(hung.seen.length).toBeGreaterThan(5)
  await until(() => hung.seen.every(({ aborted }) => aborted), 'all attempts at it are aborted')
  expect(fast.seen.length).toBe(40)
  await sluice.shows(
    'sluice_requests_in_flight{route="app"} 0',
    /sluice_hedges_total\{route="app"\} [1-9]/,
    'outcome="ignored"',
  )
})

test('what may do something twice is not asked twice', async () => {
  const before = hung.seen.length + fast.seen.length
  const requests = Array.from({ length: 4 }, () => sluice.send('POST', '/', 'x').catch(() => undefined))
  await until(() => hung.seen.length + fast.seen.length === before + 4, 'four attempts')
  await until(async () => (await Promise.race([...requests, undefined])) !== undefined, 'the fast ones answer')
  expect(hung.seen.length + fast.seen.length).toBe(before + 4)
})
