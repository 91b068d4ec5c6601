import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reusePortWorks } from '../../../src/control/machine/sockets.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'

const sharing = await reusePortWorks()

let port: number
let gateway: Sluice

function yaml(address: string, more = ''): string {
  const top = TOP.replace('listen: "127.0.0.1:0"', `listen: "${address}:${port}"`)
  return `${top}watch: off\nroutes: { all: { match: { path: /* }, respond: { body: here } } }\n${more}`
}

const move = (address: string) => gateway.command('config', { yaml: yaml(address) })
const bound = async (): Promise<unknown> =>
  ((await gateway.status()) as unknown as { listeners: { host: string; port: number }[] }).listeners.map((one) => [
    one.host,
    one.port,
  ])

/** Why a request was not answered; undefined: it was. */
function ask(host: string, agent: Agent | false): Promise<string | undefined> {
  return new Promise((resolve) => {
    const sent = request({ host, port, path: '/', agent }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve(answer.statusCode === 200 ? undefined : `status ${answer.statusCode}`))
      answer.on('error', (error: NodeJS.ErrnoException) => resolve(`answer ${error.code}`))
    })
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    sent.end()
  })
}

/**
 * As a client does: what was reset before a byte of an answer came was never handled, and is sent again once by a
 * connection of its own (RFC 9112, section 9.3.1). A socket that is closed resets what waits in its backlog at that moment.
 */
async function askAgain(host: string, agent: Agent | false): Promise<string | undefined> {
  const why = await ask(host, agent)
  return why === 'ECONNRESET' ? ask(host, false) : why
}

/** Asks at an address while something is done, by new connections and by one that is kept; at most so often. */
async function during(host: string, act: () => Promise<void>): Promise<{ asked: number; failed: string[] }> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const failed: string[] = []
  let [asked, running] = [0, true]
  const loops = [false, false, agent].map(async (by) => {
    while (running && asked < 20_000) {
      asked++
      const why = await askAgain(host, by as Agent | false)
      if (why !== undefined) failed.push(why)
    }
  })
  try {
    await act()
    const enough = asked + 100
    while (asked < enough) await new Promise((resolve) => setTimeout(resolve, 5))
  } finally {
    running = false
    await Promise.all(loops)
    agent.destroy()
  }
  return { asked, failed }
}

/** Nobody's, and none that the system gives to a client: that would be in use on one address for a moment. */
async function quietPort(): Promise<number> {
  for (let attempts = 0; attempts < 100; attempts++) {
    const free = 20_000 + ((await closedPort()) % 12_000)
    const server = await listening('::', false, free).catch(() => undefined)
    if (server === undefined) continue
    server.close()
    await once(server, 'close')
    return free
  }
  throw new Error('no port is free')
}

async function listening(host: string, reusePort: boolean, at = port): Promise<Server> {
  const server = createServer().listen({ host, port: at, reusePort })
  await once(server, 'listening')
  return server
}

describe.skipIf(!sharing)('a listener that keeps its port', () => {
  beforeAll(async () => {
    port = await quietPort()
    gateway = await startSluice(yaml('127.0.0.1'))
  })

  afterAll(async () => {
    expect(await gateway.stop()).toBe(0)
  })

  test.each([
    ['0.0.0.0', '127.0.0.1'],
    ['127.0.0.1', '127.0.0.1'],
    ['[::]', '127.0.0.1'],
    ['0.0.0.0', '127.0.0.1'],
    ['[::]', '127.0.0.1'],
    ['[::1]', '::1'],
    ['[::]', '::1'],
    ['127.0.0.1', '127.0.0.1'],
  ])('moves to %s, and no request at %s is lost', async (to, at) => {
    const { asked, failed } = await during(at, async () => {
      const answer = await move(to)
      expect([answer.status, answer.body]).toEqual([200, expect.stringContaining('"changed":true')])
    })
    expect(failed).toEqual([])
    expect(asked).toBeGreaterThanOrEqual(100)
    expect(await bound()).toEqual([[to.replace(/[[\]]/g, ''), port]])
  })

  test('moves to another loopback address: what the old one takes it answers', async () => {
    const { failed } = await during('127.0.0.1', async () => {
      expect((await move('127.0.0.2')).status).toBe(200)
    })
    expect(failed.filter((why) => !why.startsWith('ECONNREFUSED'))).toEqual([])
    expect(await ask('127.0.0.2', false)).toBeUndefined()
    expect((await move('127.0.0.1')).status).toBe(200)
    expect(await ask('127.0.0.1', false)).toBeUndefined()
  })

  test('moves there and back at once', async () => {
    const { failed } = await during('127.0.0.1', async () => {
      for (const to of ['0.0.0.0', '127.0.0.1', '0.0.0.0', '127.0.0.1']) expect((await move(to)).status).toBe(200)
    })
    expect(failed).toEqual([])
  })

  test('moves to another port and back at once, while the old sockets are still there', async () => {
    const mine = port
    port = await quietPort()
    expect((await move('127.0.0.1')).status).toBe(200)
    port = mine
    expect((await move('127.0.0.1')).status).toBe(200)
    expect(await ask('127.0.0.1', false)).toBeUndefined()
  })

  test.each([
    ['0.0.0.0', '127.0.0.3', false],
    ['0.0.0.0', '127.0.0.3', true],
    ['[::]', '127.0.0.3', true],
    ['127.0.0.3', '127.0.0.3', false],
    ['127.0.0.3', '127.0.0.3', true],
  ])('does not move to %s where another process has %s, sharing %s', async (to, host, reusePort) => {
    const other = await listening(host, reusePort)
    const { failed } = await during('127.0.0.1', async () => {
      const { body, status } = await move(to)
      expect(status).toBe(422)
      expect(body).toContain(`listeners.web.listen: cannot listen on ${to}:${port}: port ${port} is in use; change`)
    })
    expect(failed).toEqual([])
    expect(await bound()).toEqual([['127.0.0.1', port]])
    other.close()
    await once(other, 'close')
  })

  test('does not move to where our own admin API is', async () => {
    const answer = await gateway.command('config', {
      yaml: yaml('0.0.0.0').replace(`0.0.0.0:${port}`, `0.0.0.0:${gateway.adminPort}`),
    })
    expect(answer.status).toBe(422)
    expect(answer.body).toContain(`port ${gateway.adminPort} is in use`)
  })
})
