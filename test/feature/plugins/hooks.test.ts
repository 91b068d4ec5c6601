import { afterAll, beforeAll, expect, test } from 'vitest'
import { type HookedGateway, hookedGateway, pluggedIn } from '../../kit/gateway.ts'
import { until } from '../../kit/until.ts'
import unruly, { WAY_NAMES } from './unruly.ts'

let gateway: HookedGateway
beforeAll(async () => {
  const routes = WAY_NAMES.map(
    (way, i) => `  r${i}: { match: { path: /${i} }, respond: { body: hello }, unruly: ${JSON.stringify(way)} }\n`,
  )
  const yaml = `apiVersion: sluice/v1
workers: 1
listeners: { web: { listen: 127.0.0.1:0 } }
admin: { listen: 127.0.0.1:0 }
probes: { listen: 127.0.0.1:0 }
routes:
${routes.join('')}`
  const url = new URL('./unruly.ts', import.meta.url).href
  gateway = await hookedGateway(yaml, pluggedIn(unruly, './unruly.ts', url))
})
afterAll(() => gateway.stop())

async function ask(way: string): Promise<{ status: number; text: string; headers: Headers }> {
  const answer = await fetch(`http://127.0.0.1:${gateway.port}/${WAY_NAMES.indexOf(way)}`)
  return { status: answer.status, headers: answer.headers, text: await answer.text() }
}

/** What operators were told since. */
function told(from: number): string {
  return JSON.stringify(gateway.log.lines.slice(from))
}

test.each([
  ['throws in admit', 'admit: secret: 4711'],
  ['rejects in admit', 'admit: secret: 4711'],
  ['rejects with nothing', 'admit: undefined'],
  ['waits in admit', 'admit: it has not ended within 200 ms'],
  ['waits in respond', 'respond: it has not ended within 200 ms'],
  ['throws in respond', 'respond: secret: 4711'],
  ['gives true', 'admit: it gave true, which is no refusal and no reply'],
  ['gives a late word', 'admit: it gave no, which is no refusal'],
  ['gives no reason', 'admit: it gave the reason because'],
  ['gives no status', 'admit: it gave the status 42'],
  ['gives odd headers', 'admit: it gave headers that are no flat list'],
  ['leaves a number', 'respond: it left headers that are no flat list'],
  ['leaves half a header', 'respond: it left headers that are no flat list'],
  ['leaves a late number', 'respond: it left headers that are no flat list'],
  ['gives no stage', 'responseBody: it gave no body stage: changesLength'],
  ['gives a text', 'admit: it gave a body that is no Buffer'],
])('a plug-in that %s: the client gets 500 internal, and operators read why and by which', async (way, message) => {
  const from = gateway.log.lines.length
  const { status, text } = await ask(way)
  expect(status).toBe(500)
  expect(JSON.parse(text)).toMatchObject({ type: expect.stringMatching(/internal$/) })
  expect(text).not.toMatch(/4711|unruly/)
  await until(
    () => told(from).includes(message),
    () => `${message} in ${told(from)}`,
  )
  expect(told(from)).toContain('the plug-in ./unruly.ts, unruly: ')
})

test('one that throws in settle: its request is answered', async () => {
  const from = gateway.log.lines.length
  expect(await ask('throws in settle')).toMatchObject({ status: 200, text: 'hello' })
  await until(() => told(from).includes('the plug-in ./unruly.ts'), 'it is told')
})

test('one that waits in settle, for which nobody waits, ends no worker', async () => {
  expect(await ask('waits in settle')).toMatchObject({ status: 200, text: 'hello' })
  await new Promise((resolve) => setTimeout(resolve, 600))
  expect(await ask('waits in settle')).toMatchObject({ status: 200, text: 'hello' })
  await gateway.shows('sluice_worker_restarts_total{reason="error"} 0')
})

test.each([
  ['gives a late page', 'page: it gave no page'],
  ['throws in a page', 'page: secret: 4711'],
])('one that %s: the failure is told by Sluice itself', async (way, message) => {
  const from = gateway.log.lines.length
  const { status, text } = await ask(way)
  expect([status, JSON.parse(text).reason]).toEqual([403, 'forbidden'])
  await until(() => told(from).includes(message), 'it is told')
})

test('one that throws in a body breaks the answer, and nothing else', async () => {
  await expect(ask('throws in a body')).rejects.toThrow()
  expect(await ask('throws in settle')).toMatchObject({ status: 200 })
})

test('one that leaves an admit pending is told to give up', async () => {
  const before = Number((await ask('says who left')).headers.get('x-left'))
  await ask('waits in admit')
  expect(Number((await ask('says who left')).headers.get('x-left'))).toBe(before + 1)
})

test('what it gives late counts', async () => {
  expect((await ask('gives a late refusal')).status).toBe(403)
})

test('one that holds its worker up is counted each time, and told once', async () => {
  const from = gateway.log.lines.length
  for (let i = 0; i < 3; i++) expect((await ask('is busy')).status).toBe(200)
  await gateway.shows('sluice_plugin_slow_total{plugin="./unruly.ts",hook="admit"} 3')
  await ask('is busy in a body')
  await gateway.shows('sluice_plugin_slow_total{plugin="./unruly.ts",hook="responseBody"} 1')
  const lines = gateway.log.lines.slice(from).filter(({ message }) => message.startsWith('a plug-in holds up a worker'))
  expect(lines.map(({ fields }) => fields?.hook)).toEqual(['admit', 'responseBody'])
})
