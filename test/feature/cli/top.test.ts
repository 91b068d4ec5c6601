import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Rates } from '../../../src/cli/top-rates.ts'
import { Load } from '../../kit/load.ts'
import { hasPty, Pty } from '../../kit/pty.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { sluice as run } from './cli.ts'

const CONFIG = (port: number, dead: number): string => `${TOP}
upstreams:
  shop: { endpoints: ["http://127.0.0.1:${port}"] }
  dead: { endpoints: ["http://127.0.0.1:${dead}"], healthCheck: { type: tcp, interval: 100ms, unhealthyAfter: 1 } }
routes:
  work: { match: { path: /work }, to: shop, bulkhead: { maxConcurrent: 50 } }
  calm: { match: { path: /calm }, to: shop }
  lost: { match: { path: /lost }, to: dead, retries: off, circuitBreaker: { minRequests: 1, openFor: 60s } }
`

let upstream: TestUpstream
let gateway: Sluice
let load: Load
const terminals: Pty[] = []

beforeAll(async () => {
  upstream = await testUpstream((_req, res) => void res.end('ok'))
  gateway = await startSluice(CONFIG(upstream.port, await closedPort()))
  expect((await gateway.get('/lost')).status).toBe(502)
  await until(async () => JSON.stringify(await gateway.status()).includes('unhealthy'))
  load = new Load({ port: gateway.port(), path: '/work', parallel: 2 })
})

afterEach(() => {
  for (const terminal of terminals.splice(0)) terminal.kill()
})

afterAll(async () => {
  await load?.stop()
  await gateway?.stop()
  await upstream?.close()
})

const admin = (): string[] => ['--admin', `http://127.0.0.1:${gateway.adminPort}`]
const env = (): Record<string, string> => ({ XDG_STATE_HOME: join(gateway.folder, 'state') })

function top(...args: string[]): Pty {
  const terminal = new Pty(['top', ...admin(), ...args], env())
  terminals.push(terminal)
  return terminal
}

/** Names of the routes on a screen, from above. */
function routesOn(screen: readonly string[]): string[] {
  const head = screen.findIndex((line) => line.startsWith('ROUTE'))
  const rest = screen.slice(head + 1)
  return rest.slice(0, rest.indexOf('')).map((line) => line.split(' ')[0] as string)
}

describe('for scripts', () => {
  test('--once --json: what happened in a second, and how it is', async () => {
    const { code, stdout, stderr } = await run(gateway.folder, ['top', '--once', '--json', ...admin()], env())
    expect([code, stderr]).toEqual([0, ''])
    const rates = JSON.parse(stdout) as Rates & { breakers: object[] }
    expect(rates.seconds).toBeGreaterThan(0.9)
    const busy = rates.routes.find(({ name }) => name === 'work')
    expect(busy?.rate).toBeGreaterThan(0)
    expect(busy).toMatchObject({ errorRatio: 0, limit: 50, queued: 0 })
    expect(busy?.p50Ms).toBeGreaterThan(0)
    expect(busy?.p99Ms).toBeGreaterThanOrEqual(busy?.p50Ms as number)
    expect(rates.routes.find(({ name }) => name === 'calm')).toMatchObject({ rate: 0, errorRatio: null, p99Ms: null })
    expect(rates.breakers).toContainEqual(expect.objectContaining({ route: 'lost', upstream: 'dead', state: 'open' }))
    expect(rates.upstreams.find(({ name }) => name === 'dead')?.endpoints).toMatchObject([{ state: 'unhealthy' }])
  })

  test('--once: the same as a table', async () => {
    const { code, stdout } = await run(gateway.folder, ['top', '--once', ...admin()], env())
    expect(code).toBe(0)
    expect(stdout).toMatch(/^test {2}config [0-9a-f]{8} \(1\) {2}workers 2\/2, busy /)
    expect(stdout).toMatch(/\nlost .* open\n/)
    expect(stdout).toMatch(/\n {2}http:\/\/127\.0\.0\.1:\d+ .* unhealthy\n/)
  })

  test.each([
    [['top'], /this is not a terminal/],
    [['top', '--json'], /--json needs --once/],
    [['top', '--once', '--sort', 'colour'], /--sort takes one of rate, errors/],
  ])('%j is a mistake', async (args, message) => {
    const { code, stderr } = await run(gateway.folder, [...args, ...admin()], env())
    expect(code).toBe(64)
    expect(stderr).toMatch(message)
  })
})

describe.skipIf(!hasPty() && process.env.CI !== 'true')('in a terminal', () => {
  test('draws, sorts, filters, and q leaves the terminal as it was', async () => {
    const terminal = top()
    // The first second has no rates yet.
    const screen = await terminal.shows(/^work +[\d.]*[1-9]/m)
    expect(screen[0]).toMatch(/^test {2}config /)
    expect(routesOn(screen)).toEqual(['work', 'calm', 'lost'])
    expect(screen.at(-1)).toContain('sorted by rate')
    expect(screen.join('\n')).toMatch(/^lost .* open$/m)
    for (const key of ['errors', 'p99', 'inflight', 'queue', 'name']) {
      terminal.keys('s')
      await terminal.shows(new RegExp(`sorted by ${key}`))
    }
    expect(routesOn(terminal.screen)).toEqual(['calm', 'lost', 'work'])
    terminal.keys('/cal')
    await terminal.shows(/filter: cal_/)
    expect(routesOn(terminal.screen)).toEqual(['calm'])
    terminal.keys('\r')
    await terminal.shows(/filter: cal$/m)
    terminal.keys('/\x1b')
    await terminal.shows(/^work /m)
    terminal.keys('q')
    expect(await terminal.end()).toEqual({ code: 0, restored: true })
    expect(terminal.text.startsWith('\x1b[?1049h\x1b[?25l')).toBe(true)
    expect(terminal.text.endsWith('\x1b[?25h\x1b[?1049l')).toBe(true)
  })

  test('fits the size it is given', async () => {
    const terminal = top()
    await terminal.shows(/^work /m)
    terminal.resize(10, 40)
    await terminal.shows(/… \d more/)
    expect(terminal.screen.length).toBeLessThanOrEqual(10)
    expect(Math.max(...terminal.screen.map((line) => line.length))).toBeLessThanOrEqual(40)
    terminal.resize(40, 120)
    await terminal.shows(/^lost .* open$/m)
    terminal.keys('\x03')
    expect(await terminal.end()).toEqual({ code: 0, restored: true })
  })

  test('SIGTERM restores the terminal, too', async () => {
    const terminal = top()
    await terminal.shows(/^work /m)
    terminal.signal(15)
    expect(await terminal.end()).toEqual({ code: 0, restored: true })
    expect(terminal.text.endsWith('\x1b[?25h\x1b[?1049l')).toBe(true)
  })

  test('no gateway at the start is said without taking the screen', async () => {
    const terminal = new Pty(['top', '--admin', `http://127.0.0.1:${await closedPort()}`], {})
    terminals.push(terminal)
    expect(await terminal.end()).toEqual({ code: 69, restored: true })
    expect(terminal.text).toContain('no gateway answers at')
    expect(terminal.text).not.toContain('\x1b[?1049h')
  })

  test('a gateway that goes away is said; another one at its place is shown', async () => {
    const place = `${CONFIG(upstream.port, await closedPort())}`
    const first = await startSluice(place)
    const port = first.adminPort
    const terminal = new Pty(['top', '--admin', `http://127.0.0.1:${port}`], {
      XDG_STATE_HOME: join(first.folder, 'state'),
    })
    terminals.push(terminal)
    await terminal.shows(/^work /m)
    expect(await first.stop()).toBe(0)
    await terminal.shows(/NO ANSWER, retrying: no gateway answers at/)
    const second = await startSluice(
      place.replace('admin: { listen: "127.0.0.1:0" }', `admin: { listen: "127.0.0.1:${port}" }`),
    )
    await terminal.shows(/^$\nROUTE/m)
    terminal.keys('q')
    expect(await terminal.end()).toEqual({ code: 0, restored: true })
    expect(await second.stop()).toBe(0)
  })
})
