import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type HookedGateway, hookedGateway, pluggedIn } from '../../kit/gateway.ts'
import { until } from '../../kit/until.ts'
import served from './served.ts'

let gateway: HookedGateway
beforeAll(async () => {
  const yaml = `apiVersion: sluice/v1
workers: 1
listeners: { web: { listen: 127.0.0.1:0 } }
admin: { listen: 127.0.0.1:0 }
probes: { listen: 127.0.0.1:0 }
routes:
  loaded: { match: { path: /loaded }, served: loaded }
  app: { match: { path: /* }, served: application }
`
  const url = new URL('./served.ts', import.meta.url).href
  gateway = await hookedGateway(yaml, pluggedIn(served, './served.ts', url))
})
afterAll(() => gateway.stop())

const ask = (path: string, options: RequestInit = {}): Promise<Response> =>
  fetch(`http://127.0.0.1:${gateway.port}${path}`, options)

test('a worker loads Fastify with the first request for it, and not before', async () => {
  expect(await (await ask('/loaded')).text()).toBe('false')
  const failed = await ask('/hello/ann')
  expect([failed.status, await failed.json()]).toMatchObject([500, { reason: 'internal' }])
  await until(() => gateway.log.lines.some((line) => JSON.stringify(line).includes('secret: 4711')), 'it is logged')
  expect(await (await ask('/loaded')).text()).toBe('true')
})

test('the application gets the request as it was matched, after one that could not be built', async () => {
  const headers = new Headers([
    ['x-twice', 'a'],
    ['x-twice', 'b'],
  ])
  const answer = await ask('/hello/ann?x=1', { headers })
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
  expect(await answer.json()).toEqual({
    params: { name: 'ann' },
    query: { x: '1' },
    ip: '127.0.0.1',
    host: `127.0.0.1:${gateway.port}`,
    twice: 'a, b',
  })
  expect((await ask('/hello/ann', { method: 'HEAD' })).status).toBe(200)
  expect((await ask('/none')).status).toBe(404)
})

test('bodies go both ways, with fields that stand several times', async () => {
  const text = JSON.stringify({ long: 'x'.repeat(2_000_000) })
  const headers = { 'content-type': 'application/json' }
  const answer = await ask('/echo', { method: 'POST', headers, body: text })
  expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
  expect(await answer.text()).toBe(text)
  expect(await (await ask('/lines')).text()).toBe('0\n1\n2\n')
})

test('its own errors are its answers; a method that Node does not know is refused', async () => {
  const wrong = await ask('/wrong')
  expect([wrong.status, await wrong.json()]).toMatchObject([500, { message: 'of the application' }])
  const socket = connect(gateway.port, '127.0.0.1')
  socket.write('BREW /hello/ann HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 (501|400) /)
})

test('clients that leave, before and behind the head, leave nothing behind', async () => {
  for (const head of [
    'POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf',
    'GET /endless HTTP/1.1\r\nHost: x\r\n\r\n',
  ]) {
    const socket = connect(gateway.port, '127.0.0.1')
    socket.write(head)
    await new Promise((resolve) => setTimeout(resolve, 100))
    socket.resetAndDestroy()
  }
  await gateway.shows(/sluice_requests_in_flight\{route="app"\} 0/)
  expect((await ask('/hello/bob')).status).toBe(200)
})
