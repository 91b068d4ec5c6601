import { expect, test } from 'vitest'
import { Sources } from '../../../../../src/control/endpoints/finding/sources.ts'
import type { EndpointConfig, UpstreamConfig } from '../../../../../src/core/config.ts'
import type { Find } from '../../../../../src/core/endpoint-source.ts'
import { srvLook } from '../../../../../src/features/discovery/control/dns.ts'
import { readEndpoints } from '../../../../../src/features/discovery/control/file.ts'
import { ManualClock } from '../../../../kit/clock.ts'
import { memoryLog } from '../../../../kit/log.ts'

const SOCKET = 'unix:/var/run/docker.sock'
const upstream = {
  name: 'a',
  source: { kind: 'test', every: 1000, options: {}, text: '' },
} as unknown as UpstreamConfig
const network: EndpointConfig = {
  scheme: 'http',
  host: 'a.test',
  port: 80,
  weight: 1,
  tier: 0,
  zone: undefined,
  maxConcurrent: undefined,
}

test.each<[string, Find]>([
  ['a file', (_, { hosts }) => ({ from: 'x', look: () => hosts(readEndpoints('e.yaml', Buffer.from(`[${SOCKET}]`))) })],
  [
    // A target is any bytes that a name server says.
    'SRV records',
    (_, { hosts }) => ({
      from: 'x',
      look: srvLook(
        { scheme: 'http', type: 'srv', name: 'x', port: undefined },
        async () => [{ name: SOCKET.toUpperCase(), port: 80, priority: 0, weight: 0 }],
        hosts,
      ),
    }),
  ],
  ['a plug-in', () => ({ from: 'x', look: async () => [{ config: network, addresses: ['10.0.0.1', SOCKET] }] })],
])('no endpoint that %s brings is a socket of this machine', async (_, find) => {
  const log = memoryLog()
  const sources = new Sources({
    clock: new ManualClock(),
    log,
    folder: '/',
    servers: undefined,
    lookup: async () => ({ v4: ['10.0.0.1'], v6: [] }),
    kinds: () => ({ test: find }),
    onChange: () => {},
  })
  await sources.watch([upstream])
  expect(sources.found(upstream)).toEqual([])
  expect(log.lines).toMatchObject([
    { level: 'warn', fields: { upstream: 'a', reason: `"${SOCKET}": sockets with a path stand in the config itself` } },
  ])
  sources.close()
})
