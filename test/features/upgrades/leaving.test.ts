import { readFile, writeFile } from 'node:fs/promises'
import { afterEach, expect, test } from 'vitest'
import { field, type HttpClient, httpClient } from '../../kit/client.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { handshake, TUNNEL_TOP, upgradingUpstream } from '../../kit/upgrade.ts'
import type { TestUpstream } from '../../kit/upstream.ts'

let upstream: TestUpstream
let sluice: Sluice
const clients: HttpClient[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  expect(await sluice.stop()).toBe(0)
  await upstream.close()
})

async function start(more = ''): Promise<void> {
  upstream = await upgradingUpstream()
  sluice = await startSluice(`${TUNNEL_TOP.replace(/^drain:.*\n/m, '')}
drain: { delay: 0s, timeout: 1s }
${more}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes:
  plain: { match: { path: /plain }, to: app, upgrades: [echo] }
  other: { match: { path: /other }, to: app, upgrades: [echo] }
`)
}

async function open(path: string, listener = 'web'): Promise<{ client: HttpClient; id: string | undefined }> {
  const client = await httpClient(sluice.port(listener))
  clients.push(client)
  const answer = await client.send(handshake(path, '', 'echo')).answer()
  expect(answer.status).toBe(101)
  client.send('x')
  await until(() => client.rest === 'x')
  return { client, id: field(answer, 'sluice-request-id') }
}

test('at a shutdown it goes on until drain.timeout, and ends with a FIN', async () => {
  await start()
  const { client, id } = await open('/plain')
  sluice.child.kill('SIGTERM')
  await until(() => sluice.operational.some(({ message }) => message === 'draining'))
  client.send('y')
  await until(() => client.rest === 'xy')
  await client.ended()
  expect([client.rest, client.peer.error]).toEqual(['xy', undefined])
  client.peer.end()
  const line = await sluice.line(({ request_id }) => request_id === id)
  expect(line).toMatchObject({ reason: 'draining', ended_by: 'sluice', bytes_in: 2, bytes_out: 2 })
  expect(await sluice.exited()).toBe(0)
})

test('a shutdown waits for one that ends by itself, and no longer', async () => {
  await start()
  const { client, id } = await open('/plain')
  sluice.child.kill('SIGTERM')
  await until(() => sluice.operational.some(({ message }) => message === 'draining'))
  client.peer.end()
  expect(await sluice.exited()).toBe(0)
  const line = await sluice.line(({ request_id }) => request_id === id)
  expect([line.ended_by, line.reason]).toEqual(['client', undefined])
})

test('a reload ends those of the route that changed, after drain.timeout, and leaves others alone', async () => {
  await start()
  const [changed, kept] = [await open('/plain'), await open('/other')]
  const text = await readFile(sluice.file, 'utf8')
  await writeFile(
    sluice.file,
    text.replace('plain: { match: { path: /plain }', 'plain: { match: { path: /plain }, timeouts: { request: 7s }'),
  )
  expect((await sluice.command('reload', {})).status).toBe(200)
  const again = await open('/plain')
  await changed.client.ended()
  expect(changed.client.peer.error).toBeUndefined()
  changed.client.peer.end()
  const line = await sluice.line(({ request_id }) => request_id === changed.id)
  expect(line).toMatchObject({ reason: 'draining', origin: 'operator', ended_by: 'sluice' })
  for (const { client } of [kept, again]) {
    client.send('y')
    await until(() => client.rest === 'xy')
  }
})

test('those of a listener that closes end with a FIN after drain.timeout, and others stay', async () => {
  const second = '  second: { listen: "127.0.0.1:0", http1: own }\n'
  upstream = await upgradingUpstream()
  sluice = await startSluice(`${TUNNEL_TOP.replace('admin:', `${second}admin:`).replace('timeout: 5s', 'timeout: 1s')}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes: { all: { match: { path: /* }, to: app, upgrades: [echo] } }
`)
  const [closing, kept] = [await open('/', 'second'), await open('/')]
  const text = await readFile(sluice.file, 'utf8')
  await writeFile(sluice.file, text.replace(second, ''))
  expect((await sluice.command('reload', {})).status).toBe(200)
  await closing.client.ended()
  expect(closing.client.peer.error).toBeUndefined()
  const line = await sluice.line(({ request_id }) => request_id === closing.id)
  expect(line).toMatchObject({ reason: 'draining', ended_by: 'sluice' })
  kept.client.send('y')
  await until(() => kept.client.rest === 'xy')
})

test('with http1: node an allowed offer is answered with 501, and others are left out', async () => {
  upstream = await upgradingUpstream()
  sluice = await startSluice(`${TOP.replace('127.0.0.1:0" }', '127.0.0.1:0", http1: node }')}
upstreams: { app: { endpoints: ["${upstream.url}"] } }
routes: { all: { match: { path: /* }, to: app } }
`)
  for (const [protocol, status] of [
    ['websocket', 501],
    ['h2c', 200],
  ] as const) {
    const client = await httpClient(sluice.port())
    clients.push(client)
    expect((await client.send(handshake('/', '', protocol)).answer()).status).toBe(status)
  }
})
