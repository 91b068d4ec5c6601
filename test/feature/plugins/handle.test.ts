import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type HookedGateway, hookedGateway, pluggedIn } from '../../kit/gateway.ts'
import { until } from '../../kit/until.ts'
import here from './here.ts'

let gateway: HookedGateway
beforeAll(async () => {
  const ways = ['echo', 'stream', 'refuse', 'throw', 'nothing', 'never', 'ignore', 'parse', 'choke', 'forget']
  const routes = ways.map((way) => `  ${way}: { match: { path: /${way}/* }, here: ${way} }\n`).join('')
  const yaml = `apiVersion: sluice/v1
workers: 1
listeners: { web: { listen: 127.0.0.1:0 } }
admin: { listen: 127.0.0.1:0 }
probes: { listen: 127.0.0.1:0 }
routes:
${routes}  small: { match: { path: /small }, here: echo, bodyLimit: 10B }
`
  const url = new URL('./here.ts', import.meta.url).href
  gateway = await hookedGateway(yaml, pluggedIn(here, './here.ts', url))
})
afterAll(() => gateway.stop())

const ask = (path: string, body?: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${gateway.port}${path}`, body === undefined ? {} : { method: 'POST', body })

test('it gets the request and its body, as fast as it takes it', async () => {
  expect(await (await ask('/echo/a')).text()).toBe('GET /echo/a 0 ')
  const body = 'x'.repeat(500_000)
  expect(await (await ask('/echo/b', body)).text()).toBe(`POST /echo/b ${body.length} ${body}`)
})

test('it may stream, refuse, or leave the body alone', async () => {
  expect(await (await ask('/stream/')).text()).toBe('0\n1\n2\n')
  const refused = await ask('/refuse/', 'x'.repeat(100_000))
  expect([refused.status, await refused.json()]).toMatchObject([403, { reason: 'forbidden' }])
  expect(await (await ask('/ignore/', 'x'.repeat(100_000))).text()).toBe('ignored')
})

test.each(['throw', 'nothing', 'never'])(
  'a handler that does wrong (%s): a problem, and operators read why',
  async (way) => {
    const from = gateway.log.lines.length
    const { status, headers, text } = await ask(`/${way}/`).then(async (one) => ({
      status: one.status,
      headers: one.headers,
      text: await one.text(),
    }))
    expect(status).toBe(500)
    expect(headers.get('content-type')).toMatch(/^application\/problem\+json/)
    expect(text).not.toContain('4711')
    const why = { throw: 'secret: 4711', nothing: 'gave no answer', never: 'has not ended within 300 ms' }[
      way
    ] as string
    await until(() => JSON.stringify(gateway.log.lines.slice(from)).includes(why), why)
  },
)

test('policies in front of it judge the body; a client that goes breaks it', async () => {
  expect((await ask('/small', 'x'.repeat(100))).status).toBe(413)
  const socket = connect(gateway.port, '127.0.0.1')
  socket.write('POST /echo/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf')
  await new Promise((resolve) => setTimeout(resolve, 50))
  socket.destroy()
  await gateway.shows(/sluice_requests_in_flight\{route="echo"\} 0/)
  expect(await (await ask('/echo/again')).text()).toBe('GET /echo/again 0 ')
})

test.each(['parse', 'choke'])('what it throws at a body (%s) is of that request alone', async (way) => {
  const from = gateway.log.lines.length
  const other = ask('/echo/other', 'x'.repeat(100_000))
  const answers = await Promise.all(Array.from({ length: 5 }, () => ask(`/${way}/`, 'x'.repeat(100_000))))
  expect(answers.map(({ status }) => status)).toEqual([500, 500, 500, 500, 500])
  for (const answer of answers) expect(await answer.text()).not.toContain('4711')
  expect((await other).status).toBe(200)
  await until(() => JSON.stringify(gateway.log.lines.slice(from)).includes('4711'), 'operators read why')
  expect(JSON.stringify(gateway.log.lines)).not.toContain('the worker ends')
})

test('nor does one end its worker that throws when its client goes', async () => {
  const from = gateway.log.lines.length
  const socket = connect(gateway.port, '127.0.0.1')
  socket.write('POST /forget/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf')
  await gateway.shows(/sluice_requests_in_flight\{route="forget"\} 1/)
  socket.destroy()
  await until(() => JSON.stringify(gateway.log.lines.slice(from)).includes('4711'), 'operators read why')
  await gateway.shows(/sluice_requests_in_flight\{route="forget"\} 0/)
  expect((await ask('/echo/after')).status).toBe(200)
  expect(JSON.stringify(gateway.log.lines)).not.toContain('the worker ends')
})
