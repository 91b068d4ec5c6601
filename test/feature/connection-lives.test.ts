import { afterEach, expect, test } from 'vitest'
import { field, httpClient } from '../kit/client.ts'
import { type HookedGateway, hookedGateway } from '../kit/gateway.ts'
import { HTTP1_SERVERS } from '../kit/ingress.ts'
import { answering, type TcpServer } from '../kit/tcp.ts'

let gateway: HookedGateway
let upstream: TcpServer

afterEach(async () => {
  await gateway.stop()
  await upstream.close()
})

test.each(HTTP1_SERVERS)(
  'connections have so many requests each, down and up, and are counted: http1: %s',
  async (http1) => {
    upstream = await answering('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')
    gateway = await hookedGateway(`apiVersion: sluice/v1
workers: 1
listeners:
  web: { listen: "127.0.0.1:0", http1: ${http1}, connections: { maxRequests: 4, maxAge: off } }
admin: { listen: "127.0.0.1:0" }
probes: { listen: "127.0.0.1:0" }
upstreams:
  orders: { endpoints: ["http://127.0.0.1:${upstream.port}"], connections: { maxRequests: 2 } }
routes:
  all: { match: { path: /* }, to: orders }
`)
    const client = await httpClient(gateway.port)
    for (const last of [false, false, false, true]) {
      const answer = await client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n').answer()
      expect([answer.status, field(answer, 'connection')]).toEqual([200, last ? 'close' : 'keep-alive'])
    }
    await client.ended()
    expect(upstream.peers.length).toBe(2)
    await gateway.shows(
      'sluice_connections_retired_total{listener="web",limit="maxRequests"} 1',
      'sluice_pool_connections_retired_total{upstream="orders",limit="maxRequests"} 2',
    )
  },
)
