import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let east: TestUpstream
let west: TestUpstream
let sluice: Sluice

beforeAll(async () => {
  east = await testUpstream((_req, res) => void res.writeHead(503).end('east'))
  west = await testUpstream((_req, res) => void res.end('west'))
  sluice = await startSluice(`${TOP}
upstreams:
  east: { endpoints: ["${east.url}"] }
  west: { endpoints: ["${west.url}"] }
routes:
  taken: { match: { path: /taken }, to: east, failover: west }
  alone: { match: { path: /alone }, to: east, failover: [] }
  none: { match: { path: /none }, to: east, failover: off }
`)
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
  await east.close()
  await west.close()
})

test('the last permitted attempt goes to the upstream that takes over', async () => {
  expect(await sluice.get('/taken')).toMatchObject({ status: 200, body: 'west' })
  expect(await sluice.line(({ path }) => path === '/taken')).toMatchObject({ attempts: 2, upstream: 'west' })
})

test.each(['/alone', '/none'])('%s: an empty list and off name none', async (path) => {
  expect(await sluice.get(path)).toMatchObject({ status: 503, body: 'east' })
})
