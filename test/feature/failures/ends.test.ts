import { afterAll, beforeAll, expect, test } from 'vitest'
import { httpClient } from '../../kit/client.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { type TcpServer, tcpServer } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'

const LATIN = 'attachment; filename="caf\xe9.txt"'

/** Heads that a server may send, and that a writer of heads may stumble over. */
const HEADS: Readonly<Record<string, string>> = {
  '304 with Trailer': '304 Not Modified\r\nTrailer: X-Sum',
  '204 with Trailer': '204 No Content\r\nTrailer: X-Sum',
  '200 with length and Trailer': '200 OK\r\nTrailer: X-Sum\r\nContent-Length: 0',
  '304 with latin1 behind a length': `304 Not Modified\r\nContent-Length: 4\r\nContent-Disposition: ${LATIN}`,
  '204 with latin1': `204 No Content\r\nContent-Disposition: ${LATIN}`,
  '200 with latin1 behind a length': `200 OK\r\nContent-Length: 0\r\nContent-Disposition: ${LATIN}`,
  '304 with a length': '304 Not Modified\r\nContent-Length: 10',
  '204 with a length': '204 No Content\r\nContent-Length: 0',
  '205 with a length': '205 Reset Content\r\nContent-Length: 0',
  '304 with Connection: close': '304 Not Modified\r\nConnection: close',
}
const NAMES = Object.keys(HEADS)
const METHODS = ['GET', 'HEAD', 'POST']

let upstream: TcpServer
let sluice: Sluice

beforeAll(async () => {
  upstream = await tcpServer((peer) => {
    let at = 0
    peer.socket.on('data', () => {
      for (;;) {
        const end = peer.text.indexOf('\r\n\r\n', at)
        if (end === -1) return
        const head = HEADS[NAMES[Number(/ \/(\d+) /.exec(peer.text.slice(at, end))?.[1])] as string]
        at = end + 4
        peer.send(`HTTP/1.1 ${head}\r\n\r\n`)
      }
    })
  })
  sluice = await startSluice(`${ONE_WORKER}
upstreams: { app: { endpoints: ["http://127.0.0.1:${upstream.port}"] } }
routes: { app: { match: { path: /* }, to: app, timeouts: { idle: off, request: off }, retries: off, circuitBreaker: off } }
`)
})

afterAll(async () => {
  await sluice.stop()
  await upstream.close()
})

test.each(NAMES)('%s ends every request: one line each, and nothing stays held', async (name) => {
  const before = sluice.log.length
  for (const method of METHODS) {
    const client = await httpClient(sluice.port())
    client.send(
      `${method} /${NAMES.indexOf(name)} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    )
    expect((await client.answer(method)).complete).toBe(true)
    client.close()
  }
  await until(
    () => sluice.log.length >= before + METHODS.length,
    () => `lines in ${sluice.stdout.slice(-2000)}`,
  )
  const { body } = await sluice.probe('/metrics')
  expect(body).toMatch(/^sluice_requests_in_flight\{route="app"\} 0$/m)
  expect(body).toMatch(/^sluice_bulkhead_in_flight\{route="app"\} 0$/m)
  expect(body).toMatch(/^sluice_lost_ends_total 0$/m)
  expect(sluice.log.length).toBe(before + METHODS.length)
})
