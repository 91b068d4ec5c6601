import { createSocket } from 'node:dgram'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { startSluice } from '../../kit/sluice.ts'
import { tcpConnect, tcpServer } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'

/** What is far more than the way from the line to the exit takes, and less than any of what could hold it up. */
const AT_ONCE_MS = 5_000

test('the process ends with the line "drained", whatever was under way, and loses no line', async () => {
  const silent = await tcpServer()
  const nameServer = createSocket('udp4')
  await new Promise<void>((resolve) => nameServer.bind(0, '127.0.0.1', resolve))
  const collector = createServer((request, response) => request.resume().on('end', () => response.end()))
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  const otlp = `{ endpoint: "http://127.0.0.1:${(collector.address() as AddressInfo).port}" }`
  const gateway = await startSluice(`apiVersion: sluice/v1
workers: 2
listeners: { web: { listen: "127.0.0.1:0" } }
admin: { listen: "127.0.0.1:0" }
probes: { listen: "127.0.0.1:0" }
drain: { delay: 0s, timeout: 1s }
dns: { servers: ["127.0.0.1:${nameServer.address().port}"] }
tracing: { sample: 100%, otlp: ${otlp} }
metrics: { otlp: ${otlp} }
upstreams:
  silent: { endpoints: ["http://127.0.0.1:${silent.port}"], healthCheck: { path: /, interval: 60s, timeout: 50s } }
  unknown: { endpoints: ["http://nowhere.test:80"] }
  found: { endpoints: { dns: "nowhere.test:80" } }
routes:
  a: { match: { path: /a }, to: silent }
  b: { match: { path: /b }, to: unknown, failover: [found] }
`)
  const ask = async (port: number, text: string) => {
    const peer = await tcpConnect(port)
    if (text !== '') peer.send(text)
    return peer
  }
  const peers = [
    await ask(gateway.port(), 'GET /a HTTP/1.1\r\nHost: x\r\n\r\n'),
    await ask(gateway.port(), 'GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n'),
    await ask(gateway.port(), ''),
    await ask(gateway.adminPort, 'GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    await ask(gateway.adminPort, 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    await ask(gateway.probesPort, 'GET'),
  ]
  await gateway.command('log-level', { level: 'info', for: '10m' })
  await gateway.line(({ path }) => path === '/nothing')
  gateway.child.kill('SIGTERM')
  await until(() => gateway.operational.some(({ message }) => message === 'drained'))
  const drained = performance.now()
  expect(await gateway.exited()).toBe(0)
  expect(performance.now() - drained).toBeLessThan(AT_ONCE_MS)
  expect(gateway.operational.at(-1)?.message).toBe('drained')
  // The one that the drain has cut.
  expect(gateway.log.filter(({ path }) => path === '/a')).toHaveLength(1)
  for (const { socket } of peers) socket.destroy()
  await silent.close()
  nameServer.close()
  collector.close()
  collector.closeAllConnections()
})
