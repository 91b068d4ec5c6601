import { afterEach, beforeEach, expect, test } from 'vitest'
import { object } from '../../../src/schema/composites.ts'
import { ManualClock } from '../../kit/clock.ts'
import { type Opened, openAdmin, openGuard, SERVING, UNAUDITED } from '../../kit/control-servers.ts'
import { commandOf, viewOf } from '../../kit/operations.ts'
import { type TcpPeer, tcpConnect } from '../../kit/tcp.ts'
import { settle, until } from '../../kit/until.ts'

const METRICS = { contentType: 'text/plain; version=0.0.4', body: 'sluice_build_info 1\n' }
const POST = 'authorization: Bearer all\r\ncontent-type: application/json\r\n'

let admin: Opened
let clock: ManualClock
let loads: number
let closes: number
let bugs: unknown[]
let done: unknown[]
let load: () => Promise<void>

beforeEach(async () => {
  clock = new ManualClock()
  loads = 0
  closes = 0
  bugs = []
  done = []
  load = async () => {}
  admin = await openAdmin(
    {
      facts: () => ({ ...SERVING, upstreamsDown: 1 }),
      metrics: async () => METRICS,
      guard: openGuard(),
      operations: [
        viewOf('status', () => ({ gateway: 'edge' })),
        commandOf('act', async (body) => done.push(body), { takes: { body: object({}) } }),
      ],
      clock,
      auditor: UNAUDITED,
      bug: (error) => bugs.push(error),
    },
    {
      loading() {
        loads++
        return load()
      },
      closed: () => void closes++,
    },
  )
})

afterEach(() => admin.close())

async function ask(line: string, fields = '', body = ''): Promise<string> {
  return (await begun(line, fields, body)).receiveAll()
}

async function begun(line: string, fields = '', body = ''): Promise<TcpPeer> {
  const peer = await tcpConnect(admin.port)
  const length = body === '' ? '' : `content-length: ${body.length}\r\n`
  peer.send(`${line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${fields}${length}\r\n${body}`)
  return peer
}

const status = async (): Promise<string> => (await ask('GET /api/v1/status')).slice(9, 12)

test('pages load nothing; the first request of anything else does, once for all that wait', async () => {
  for (const line of [
    'GET /livez',
    'GET /readyz?verbose',
    'HEAD /startupz',
    'GET /metrics',
    'GET http://localhost/livez',
  ])
    expect(await ask(line)).toMatch(/^HTTP\/1.1 200 /)
  expect(await ask('GET /metrics', 'origin: http://evil.test\r\n')).toMatch(/^HTTP\/1.1 403 /)
  expect(loads).toBe(0)
  let go = (): void => {}
  load = () => new Promise((resolve) => (go = resolve))
  const asked = [
    ...Array.from({ length: 20 }, status),
    ask('POST /api/v1/act', POST, '{}').then((text) => text.slice(9, 12)),
  ]
  await until(() => loads > 0)
  // Machines do not wait for it.
  expect(await ask('GET /livez')).toMatch(/^HTTP\/1.1 200 /)
  go()
  expect(new Set(await Promise.all(asked))).toEqual(new Set(['200']))
  expect(await status()).toBe('200')
  expect([loads, done, bugs]).toEqual([1, [{}], []])
})

test('if it cannot be loaded, those that wait get 503, it is told once, and a second later it is attempted anew', async () => {
  let fail = (): void => {}
  load = () => new Promise((_, reject) => (fail = () => reject(new Error('a module is missing'))))
  const asked = [await begun('GET /api/v1/status'), await begun('GET /dashboard/')]
  await until(() => loads > 0)
  // The second one, too, has arrived by then.
  expect(await ask('GET /livez')).toMatch(/^HTTP\/1.1 200 /)
  fail()
  const answers = await Promise.all(asked.map((peer) => peer.receiveAll()))
  for (const answer of answers) {
    expect(answer).toMatch(/^HTTP\/1.1 503 /)
    expect(answer).toContain('"type":"urn:sluice:admin:refused"')
    expect(answer).not.toContain('missing')
  }
  expect(bugs.map(String)).toEqual(['Error: a module is missing'])
  expect(await ask('GET /readyz')).toMatch(/^HTTP\/1.1 200 /)
  load = async () => {}
  clock.advance(999)
  expect([await status(), loads]).toEqual(['503', 1])
  clock.advance(1)
  expect([await status(), loads]).toEqual(['200', 2])
})

test('requests while it cannot be loaded make neither attempts nor lines, each second one attempt, each minute one line', async () => {
  load = async () => Promise.reject(new Error('a module is missing'))
  const fifty = async (): Promise<void> => {
    const answers = await Promise.all(Array.from({ length: 50 }, status))
    expect(new Set(answers)).toEqual(new Set(['503']))
  }
  await fifty()
  expect([loads, bugs.length]).toEqual([1, 1])
  for (let second = 1; second < 60; second++) {
    clock.advance(1_000)
    expect(await status()).toBe('503')
    expect([loads, bugs.length]).toEqual([1 + second, 1])
  }
  clock.advance(1_000)
  await fifty()
  expect([loads, bugs.length]).toEqual([61, 2])
  load = async () => Promise.reject(new Error('another is'))
  clock.advance(1_000)
  await fifty()
  expect(bugs.map(String).slice(1)).toEqual(['Error: a module is missing', 'Error: another is'])
})

test('what comes from elsewhere is refused as the application would, and loads nothing', async () => {
  const foreign: readonly (readonly [string, string, string])[] = [
    ['GET /api/v1/status', 'host: evil.test\r\n', '400'],
    ['GET http://evil.test/api/v1/status', '', '403'],
    ['GET /api/v1/status', 'origin: http://evil.test\r\n', '403'],
    ['GET /api/v1/status', 'sec-fetch-site: cross-site\r\n', '403'],
    ['GET /dashboard/', 'origin: http://evil.test\r\n', '403'],
    ['POST /api/v1/act', `${POST}origin: http://evil.test\r\n`, '403'],
  ]
  const answers = async (): Promise<string[][]> => {
    const seen: string[][] = []
    for (const [line, fields] of foreign) seen.push(lines(await ask(line, fields)))
    return seen
  }
  const before = await answers()
  for (const [line, fields, code] of foreign) expect((await ask(line, fields)).slice(9, 12)).toBe(code)
  expect(loads).toBe(0)
  // Others may link to it.
  expect((await ask('GET /', 'sec-fetch-site: cross-site\r\n')).slice(9, 12)).toBe('302')
  expect(loads).toBe(1)
  expect(await answers()).toEqual(before)
})

test('a client that leaves meanwhile is no bug, and its command is not carried out', async () => {
  let go = (): void => {}
  load = () => new Promise((resolve) => (go = resolve))
  const peer = await tcpConnect(admin.port)
  peer.send(`POST /api/v1/act HTTP/1.1\r\nhost: localhost\r\n${POST}content-length: 2\r\n\r\n{}`)
  await until(() => loads > 0)
  peer.socket.destroy()
  const waits = status()
  await new Promise((resolve) => setTimeout(resolve, 100))
  go()
  expect(await waits).toBe('200')
  expect([done, bugs]).toEqual([[], []])
})

test('a gateway that ends waits for what is being loaded, and closes it', async () => {
  let go = (): void => {}
  load = () => new Promise((resolve) => (go = resolve))
  const cut = ask('GET /api/v1/status')
  await until(() => loads > 0)
  let over = false
  const closed = admin.close().then(() => {
    over = true
  })
  await settle()
  expect(over).toBe(false)
  go()
  await closed
  expect([loads, closes]).toEqual([1, 1])
  expect((await cut).slice(0, 12)).toMatch(/^(HTTP\/1.1 200)?$/)
})

/** Without what differs between two answers. */
const lines = (answer: string): string[] => {
  const [head = '', body = ''] = answer.split('\r\n\r\n')
  return [
    ...head
      .toLowerCase()
      .replace(/^date: .*$/m, '')
      .split('\r\n')
      .sort(),
    body,
  ]
}

test.each([
  ['GET', 'readyz'],
  ['HEAD', 'livez'],
  ['GET', 'metrics'],
  ['HEAD', 'metrics'],
])('%s /%s is the same page where the application shows it: its name is encoded', async (method, page) => {
  const encoded = `%${page.charCodeAt(0).toString(16)}${page.slice(1)}`
  const [direct, shown] = [await ask(`${method} /${page}`), await ask(`${method} /${encoded}`)]
  expect(loads).toBe(1)
  expect(lines(direct)).toEqual(lines(shown))
  for (const fields of ['origin: http://evil.test\r\n', 'host: localhost\r\n'])
    expect(lines(await ask(`${method} /${page}`, fields))).toEqual(lines(await ask(`${method} /${encoded}`, fields)))
})
