import { expect, test } from 'vitest'
import { EndpointBook } from '../../../../src/control/endpoints/book.ts'
import { EndpointDrains } from '../../../../src/control/endpoints/drains.ts'
import { EndpointMarks } from '../../../../src/control/endpoints/marks.ts'
import { CellRegistry } from '../../../../src/control/registry/registry.ts'
import { BadCommand } from '../../../../src/core/command.ts'
import type { UpstreamConfig } from '../../../../src/core/config.ts'
import { ManualClock } from '../../../kit/clock.ts'
import { memoryLog } from '../../../kit/log.ts'

function rig() {
  const names: Record<string, string[]> = { 'a.test': ['10.0.0.1', '10.0.0.2'] }
  const registry = new CellRegistry(1)
  const book: EndpointBook = new EndpointBook({
    registry,
    features: [],
    addressesOf: (name) => names[name] ?? [],
    discovered: () => [],
    refuses: () => false,
    publish: () => 1,
    onLeft: () => {},
    onBack: () => {},
    onChange: () => drains.renew(),
  })
  const marks = new EndpointMarks((ref) => registry.words(ref), new ManualClock())
  const drains = new EndpointDrains({ book, registry, marks, log: memoryLog() })
  const endpoints = [
    { scheme: 'http', host: 'a.test', port: 80 },
    { scheme: 'http', host: '::1', port: 81 },
  ]
  const config = { name: 'app', endpoints, tls: { serverName: undefined }, features: {} } as unknown as UpstreamConfig
  book.adopt(book.draft([config]), { generation: 1, update: 0 })
  const states = (): string => Array.from(drains.all(), ({ endpoint, state }) => `${endpoint} ${state}`).join(', ')
  const resolve = (...addresses: string[]): void => {
    names['a.test'] = addresses
    book.renew('a.test')
  }
  return { drains, states, resolve }
}

const command = (endpoint: string, to = 'drain', upstream = 'app') => ({ upstream, endpoint, to })

test.each([
  ['http://10.0.0.1:80', 'http://10.0.0.1:80 draining, http://10.0.0.2:80 usable, http://[::1]:81 usable'],
  ['10.0.0.2:80', 'http://10.0.0.1:80 usable, http://10.0.0.2:80 draining, http://[::1]:81 usable'],
  ['http://A.test:80', 'http://10.0.0.1:80 draining, http://10.0.0.2:80 draining, http://[::1]:81 usable'],
  ['[::1]:81', 'http://10.0.0.1:80 usable, http://10.0.0.2:80 usable, http://[::1]:81 draining'],
])('%s is found', (endpoint, expected) => {
  const { drains, states } = rig()
  drains.set(command(endpoint))
  expect(states()).toBe(expected)
  drains.set(command(endpoint, 'undrain'))
  expect(states()).not.toContain('draining')
})

test.each([
  [command('http://10.0.0.9:80'), 'no such endpoint: "http://10.0.0.9:80"; there are http://10.0.0.1:80'],
  [command('10.0.0.1'), 'no such endpoint'],
  [command('10.0.0.1:80', 'drain', 'nobody'), 'no such upstream: "nobody"'],
  [command('10.0.0.1:80', 'stop'), 'one of drain, undrain'],
  [{ upstream: 'app', to: 'drain' }, '"endpoint" is missing'],
  [undefined, 'a map'],
])('%j is refused', (body, message) => {
  const { drains, states } = rig()
  expect(() => drains.set(body)).toThrow(BadCommand)
  expect(() => drains.set(body)).toThrow(message)
  expect(states()).not.toContain('draining')
})

test('the wish outlives an absence, and can be taken back meanwhile', () => {
  const { drains, states, resolve } = rig()
  drains.set(command('http://10.0.0.1:80'))
  resolve('10.0.0.2')
  resolve('10.0.0.1', '10.0.0.2')
  expect(states()).toContain('http://10.0.0.1:80 draining')
  resolve('10.0.0.2')
  expect(drains.set(command('http://10.0.0.1:80', 'undrain'))).toEqual([])
  resolve('10.0.0.1')
  expect(states()).toContain('http://10.0.0.1:80 usable')
})
