import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PageSources } from '../../../src/control/admin/pages.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { object } from '../../../src/schema/composites.ts'
import { type Opened, openAdmin, openGuard, openProbes, SERVING, UNAUDITED } from '../../kit/control-servers.ts'
import { commandOf, eventsOf } from '../../kit/operations.ts'
import { type TcpPeer, tcpConnect } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'

/** More than there are places. */
const CROWD = 300
const PLACES = 256
const AUTH = 'authorization: Bearer all'
const LARGE = Buffer.alloc(4_000_000, 120)

const shown: PageSources = {
  facts: () => SERVING,
  metrics: async () => ({ contentType: 'text/plain', body: LARGE }),
}

const SERVERS = {
  admin: () =>
    openAdmin({
      ...shown,
      guard: openGuard(),
      operations: [
        eventsOf('news', () => () => () => {}),
        commandOf('act', async () => ({}), { takes: { body: object({}) } }),
      ],
      clock: systemClock,
      auditor: UNAUDITED,
      bug: () => {},
    }),
  probes: () => openProbes(shown),
} as const

let app: Opened
let port: number
let crowd: TcpPeer[]

async function gather(send: string, count = CROWD): Promise<void> {
  for (let i = 0; i < count; i++) {
    const peer = await tcpConnect(port)
    if (send !== '') peer.send(send)
    crowd.push(peer)
  }
}

/** As an orchestrator asks: a connection of its own each time. */
async function probe(): Promise<string> {
  const peer = await tcpConnect(port)
  peer.send('GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  return (await peer.receiveAll()).slice(0, 12)
}

const open = (): number => crowd.filter(({ closed, ended }) => !closed && !ended).length

describe.each(['admin', 'probes'] as const)('/livez of %s answers whoever else is there', (server) => {
  beforeEach(async () => {
    crowd = []
    app = await SERVERS[server]()
    port = app.port
  })

  afterEach(async () => {
    for (const { socket } of crowd) socket.destroy()
    await app.close()
  })

  test.each([
    ['silent ones', ''],
    ['heads that do not end', 'GET /livez HTTP/1.1\r\nHost: localhost\r\nX-A: b'],
    [
      'bodies that do not end',
      `POST /api/v1/act HTTP/1.1\r\nHost: localhost\r\n${AUTH}\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
    ],
    [
      'chunks that do not end',
      `POST /api/v1/act HTTP/1.1\r\nHost: localhost\r\n${AUTH}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{`,
    ],
    ['bodies that nobody wants', 'POST /livez HTTP/1.1\r\nHost: localhost\r\nContent-Length: 999\r\n\r\nx'],
    ['idle ones that have asked before', 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['ones that do not read', 'GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['idle ones and then silent ones', 'GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\nGET'],
  ])('%s', async (name, send) => {
    await gather(send)
    if (name.includes('do not read')) for (const { socket } of crowd) socket.pause()
    for (let i = 0; i < 3; i++) expect(await probe()).toBe('HTTP/1.1 200')
    await until(() => open() <= PLACES)
    // Those that came first made place.
    expect(crowd.slice(0, 10).every(({ closed, ended, error }) => closed || ended || error !== undefined)).toBe(true)
  })

  test('ones that send a byte now and then', async () => {
    await gather('GET /livez HTTP/1.1\r\nX-')
    for (let i = 0; i < 3; i++) {
      for (const peer of crowd) if (!peer.closed) peer.send('a')
      expect(await probe()).toBe('HTTP/1.1 200')
    }
  })

  test('a head has two seconds, also one whose bytes keep coming; of silence nothing is answered', async () => {
    await gather('', 2)
    await gather('GET /livez HTTP/1.1\r\nX-', 2)
    await until(() => {
      for (const peer of crowd.slice(2)) if (!peer.closed) peer.send('a')
      return open() === 0
    })
    expect(crowd.map(({ text }) => text.slice(0, 12))).toEqual(['', '', 'HTTP/1.1 408', 'HTTP/1.1 408'])
  })
})

test('readers of events keep their places; the others make room', async () => {
  crowd = []
  app = await SERVERS.admin()
  port = app.port
  await gather('GET /api/v1/news HTTP/1.1\r\nHost: localhost\r\n\r\n', 32)
  const readers = crowd
  await until(() => readers.every(({ text }) => text.includes(': begins')))
  await gather('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n')
  for (let i = 0; i < 3; i++) expect(await probe()).toBe('HTTP/1.1 200')
  expect(readers.slice(0, 32).filter(({ closed, ended }) => closed || ended)).toEqual([])
  for (const { socket } of crowd) socket.destroy()
  await app.close()
})
