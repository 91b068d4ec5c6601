import { expect, test } from 'vitest'
import { chunksOf } from '../../../../src/control/workers/chunks.ts'
import type { UpstreamConfig } from '../../../../src/core/config.ts'
import type { LeanRoute, ResolvedEndpoint, UpstreamCells, UpstreamEndpoints } from '../../../../src/core/protocol.ts'

const upstream = (name: string): UpstreamConfig => ({ name }) as UpstreamConfig
const route = (name: string): LeanRoute => ({ name }) as LeanRoute
const names = (count: number, prefix: string): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`)
const set = (name: string, size: number): [string, UpstreamEndpoints] => [
  name,
  {
    upstream: name,
    cells: {} as UpstreamCells,
    endpoints: Array.from({ length: size }, () => ({}) as ResolvedEndpoint),
  },
]

test('an empty config is one last chunk', () => {
  expect([...chunksOf(1, [], new Map(), [])]).toEqual([
    { type: 'chunk', generation: 1, upstreams: [], endpoints: [], routes: [], last: true },
  ])
})

test('at most 200 entries, everything once and in order, upstreams before routes', () => {
  const ups = names(150, 'u')
  const routes = names(1001, 'r')
  const endpoints = new Map(ups.map((name) => set(name, 3)))
  const chunks = [...chunksOf(7, ups.map(upstream), endpoints, routes.map(route))]
  for (const chunk of chunks) {
    const addresses = chunk.endpoints.reduce((sum, { endpoints }) => sum + endpoints.length, 0)
    expect(chunk.upstreams.length + addresses + chunk.routes.length).toBeLessThanOrEqual(200)
    expect(chunk.endpoints.map((entry) => entry.upstream)).toEqual(chunk.upstreams.map((entry) => entry.name))
  }
  expect(chunks.flatMap((chunk) => chunk.upstreams.map((entry) => entry.name))).toEqual(ups)
  expect(chunks.flatMap((chunk) => chunk.routes.map((entry) => entry.name))).toEqual(routes)
  expect(chunks.map((chunk) => chunk.last)).toEqual([...chunks.slice(1).map(() => false), true])
  const lastUpstream = chunks.findLastIndex((chunk) => chunk.upstreams.length > 0)
  expect(chunks.findIndex((chunk) => chunk.routes.length > 0)).toBeGreaterThanOrEqual(lastUpstream)
})

test('an upstream with more addresses than a chunk holds stays whole', () => {
  const chunks = [
    ...chunksOf(1, [upstream('a'), upstream('big')], new Map([set('a', 0), set('big', 500)]), [route('r')]),
  ]
  expect(chunks.map((chunk) => chunk.upstreams.map((entry) => entry.name))).toEqual([['a'], ['big'], []])
  expect(chunks[0]?.endpoints).toMatchObject([{ upstream: 'a', endpoints: [] }])
})
