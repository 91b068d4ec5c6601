import { describe, expect, test } from 'vitest'
import { EndpointBook } from '../../../../src/control/endpoints/book.ts'
import { CellRegistry } from '../../../../src/control/registry/registry.ts'
import type { UpstreamConfig } from '../../../../src/core/config.ts'
import type { UpstreamEndpoints } from '../../../../src/core/protocol.ts'

function upstream(name: string, ...hosts: string[]): UpstreamConfig {
  const endpoints = hosts.map((host) => ({
    scheme: 'http',
    host,
    port: 80,
    weight: 1,
    tier: 0,
    zone: undefined,
    maxConcurrent: undefined,
  }))
  return { name, endpoints, tls: { serverName: undefined }, features: {} } as unknown as UpstreamConfig
}

function rig() {
  const names: Record<string, string[]> = { 'a.test': ['10.0.0.1', '10.0.0.2'] }
  const published: UpstreamEndpoints[][] = []
  const left: string[] = []
  const back: string[] = []
  const registry = new CellRegistry(1)
  const book = new EndpointBook({
    registry,
    features: [],
    addressesOf: (name) => names[name] ?? [],
    discovered: () => [],
    refuses: (_, { address }) => address === '127.0.0.1',
    arrives: () => {},
    publish: (sets) => published.push([...sets]),
    onLeft: (id) => left.push(id),
    onBack: (id) => back.push(id),
    onChange: () => {},
  })
  const adopt = (generation: number, ...upstreams: UpstreamConfig[]): void =>
    book.adopt(book.draft(upstreams), { generation, update: 0 })
  return { names, published, left, back, registry, book, adopt }
}

const addresses = (set: UpstreamEndpoints | undefined): string[] => (set?.endpoints ?? []).map(({ address }) => address)

describe('EndpointBook', () => {
  test('a name that changes is published for its upstreams only; cells stay with their identity', () => {
    const { names, published, book, adopt } = rig()
    adopt(1, upstream('orders', 'a.test'), upstream('other', '10.9.9.9'))
    const [before] = [...book.upstreams]
    names['a.test'] = ['10.0.0.2', '10.0.0.3']
    book.renew('a.test')
    expect(published).toHaveLength(1)
    expect(published[0]?.map((set) => [set.upstream, ...addresses(set)])).toEqual([['orders', '10.0.0.2', '10.0.0.3']])
    expect(published[0]?.[0]?.endpoints[0]?.cells).toEqual(before?.set.endpoints[1]?.cells)
    book.renew('a.test')
    expect(published).toHaveLength(1)
  })

  test('cells of an address that left are used again once workers have taken the update', () => {
    const { names, registry, book, adopt } = rig()
    adopt(1, upstream('orders', 'a.test'))
    const gone = [...book.upstreams][0]?.set.endpoints[0]?.cells
    names['a.test'] = ['10.0.0.2']
    book.renew('a.test')
    registry.reclaim({ generation: 1, update: 0 })
    names['a.test'] = ['10.0.0.2', '10.0.0.4']
    book.renew('a.test')
    expect([...book.upstreams][0]?.set.endpoints[1]?.cells.state).not.toEqual(gone?.state)
    registry.reclaim({ generation: 1, update: 2 })
    names['a.test'] = ['10.0.0.2', '10.0.0.4', '10.0.0.5']
    book.renew('a.test')
    expect([...book.upstreams][0]?.set.endpoints[2]?.cells.state).toEqual(gone?.state)
  })

  test('an address that the gateway itself has is left out', () => {
    const { names, book, adopt, published } = rig()
    adopt(1, upstream('orders', '127.0.0.1', '10.0.0.9', 'a.test'))
    expect(addresses([...book.upstreams][0]?.set)).toEqual(['10.0.0.9', '10.0.0.1', '10.0.0.2'])
    names['a.test'] = ['127.0.0.1']
    book.renew('a.test')
    expect(addresses(published[0]?.[0])).toEqual(['10.0.0.9'])
  })

  test('what no upstream has any more is told, and what comes back', () => {
    const { names, left, back, book, adopt } = rig()
    adopt(1, upstream('orders', 'a.test'), upstream('twin', '10.0.0.2'))
    expect(back).toEqual(['http://10.0.0.1:80', 'http://10.0.0.2:80'])
    names['a.test'] = ['10.0.0.3']
    book.renew('a.test')
    expect(left).toEqual(['http://10.0.0.1:80'])
    names['a.test'] = ['10.0.0.1']
    book.renew('a.test')
    expect(back.at(-1)).toBe('http://10.0.0.1:80')
    adopt(2, upstream('twin', '10.0.0.2'))
    expect(left).toEqual(['http://10.0.0.1:80', 'http://10.0.0.3:80', 'http://10.0.0.1:80'])
  })

  test('a name that changed while the config was on its way is published at once', () => {
    const { names, book, published } = rig()
    const draft = book.draft([upstream('orders', 'a.test')])
    names['a.test'] = ['10.0.0.7']
    book.renew('a.test')
    expect(published).toEqual([])
    book.adopt(draft, { generation: 1, update: 0 })
    expect(addresses(published[0]?.[0])).toEqual(['10.0.0.7'])
  })

  test('a refused config changes nothing and gives its cells back', () => {
    const { registry, book, adopt, published } = rig()
    adopt(1, upstream('orders', 'a.test'))
    const draft = book.draft([upstream('orders', 'a.test', '10.7.7.7')])
    const cells = draft.get('orders')?.set.endpoints[2]?.cells
    book.drop(draft)
    expect(addresses([...book.upstreams][0]?.set)).toEqual(['10.0.0.1', '10.0.0.2'])
    registry.reclaim({ generation: 1, update: 0 })
    adopt(2, upstream('orders', 'a.test', '10.8.8.8'))
    expect([...book.upstreams][0]?.set.endpoints[2]?.cells.state).toEqual(cells?.state)
    expect(published).toEqual([])
  })
})
