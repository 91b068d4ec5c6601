import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { goesLive } from '../../kit/reload.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'

let app: TestUpstream
let other: TestUpstream
let sluice: Sluice
/** Of the config that a test begins with. */
let generation: number
/** Answers that wait for the test. */
let held: ServerResponse[]

beforeAll(async () => {
  sluice = await startSluice(`${ONE_WORKER}watch: off\nroutes: { all: { match: { path: /* }, respond: {} } }\n`)
})

beforeEach(async () => {
  held = []
  app = await testUpstream((req, res) => {
    if (req.url?.startsWith('/events') === true) {
      res.writeHead(200, { 'content-type': 'text/event-stream' })
      res.write('data: 1\n\n')
      held.push(res)
    } else if (req.url?.startsWith('/hold') === true) held.push(res)
    else if (req.url?.startsWith('/fail') === true) res.writeHead(503).end()
    else res.end('app')
  })
  other = await testUpstream((_req, res) => void res.end('other'))
  generation = await goesLive(sluice, yaml())
})

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
})

afterEach(async () => {
  for (const res of held) res.destroy()
  await app.close()
  await other.close()
})

interface Wanted {
  /** Lines in the place of the route `changing`; undefined: it is gone. */
  readonly changing?: string | undefined
  readonly extra?: string
  /** What requests on changed routes get. */
  readonly timeout?: string
}

function yaml({
  changing = '  changing: { match: { path: /changing/* }, to: app, rewrite: { stripPrefix: /changing } }',
  extra = '',
  timeout = '300ms',
}: Wanted = {}): string {
  return `${ONE_WORKER.replace('timeout: 5s', `timeout: ${timeout}`)}watch: off
defaults: { route: { retries: off, circuitBreaker: { minRequests: 5 } } }
upstreams:
  app: { endpoints: ["${app.url}"], outlierDetection: off }
  other: { endpoints: ["${other.url}"] }
routes:
  same: { match: { path: /* }, to: app }
  failing: { match: { path: /fail }, to: app }
  others: { match: { path: /others }, to: other }
${changing}
${extra}`
}

/** Makes another config live. */
async function live(wanted: Wanted): Promise<void> {
  const answer = await sluice.command('config', { yaml: yaml(wanted) })
  expect([answer.status, answer.body]).toEqual([200, expect.stringContaining('"changed":true')])
}

interface Open {
  readonly answer: IncomingMessage
  text: string
  ended: 'no' | 'whole' | 'broken'
}

/** Sends a request and waits for the head of its answer. */
function open(path: string): Promise<Open> {
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port: sluice.port(), path, agent: false }, (answer) => {
      const one: Open = { answer, text: '', ended: 'no' }
      answer.setEncoding('utf8').on('data', (part: string) => {
        one.text += part
      })
      answer.on('end', () => {
        one.ended = answer.complete ? 'whole' : 'broken'
      })
      answer.on('error', () => {
        one.ended = 'broken'
      })
      resolve(one)
    })
      .on('error', reject)
      .end()
  })
}

describe('a route that did not change', () => {
  const EXTRA = '  extra: { match: { path: /extra }, respond: { status: 200, body: extra } }'

  it('keeps its connections to the upstream', async () => {
    for (let i = 0; i < 5; i++) await sluice.get('/')
    expect(app.accepted).toBe(1)
    for (let i = 0; i < 5; i++) {
      await live({ extra: EXTRA.replace('extra:', `extra-${i}:`) })
      expect((await sluice.get('/')).body).toBe('app')
    }
    expect(app.accepted).toBe(1)
  })

  it('keeps the connection of a client', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ports = new Set<number>()
    const ask = () =>
      new Promise<void>((resolve, reject) => {
        const sent = request({ host: '127.0.0.1', port: sluice.port(), path: '/', agent }, (answer) => {
          answer.resume().on('end', resolve)
        })
        sent.on('socket', (socket) => socket.once('connect', () => ports.add(socket.localPort as number)))
        sent.on('error', reject).end()
      })
    await ask()
    await live({ extra: EXTRA })
    await ask()
    expect(ports.size).toBe(1)
    agent.destroy()
  })

  it('keeps its circuit breaker as it is', async () => {
    const state = async () => {
      const { breakers } = JSON.parse((await sluice.admin('/api/v1/breakers')).body) as {
        breakers: { route: string; upstream: string; state: string }[]
      }
      return breakers.find(({ route, upstream }) => route === 'failing' && upstream === 'app')?.state
    }
    await until(async () => (await sluice.get('/fail')).body.includes('breaker_open'), 'it opens')
    expect(await state()).toBe('open')
    await live({ extra: EXTRA })
    expect(await state()).toBe('open')
    expect((await sluice.get('/fail')).body).toContain('breaker_open')
  })

  it('keeps a stream of events open, beyond the time that changed ones get', async () => {
    const stream = await open('/events')
    await live({ extra: EXTRA, changing: '' })
    const changed = await open('/extra')
    await until(() => changed.ended === 'whole', 'the new route answers')
    // Longer than drain.timeout: a stream of a changed route would be cut by now.
    await new Promise((resolve) => setTimeout(resolve, 600))
    held[0]?.write('data: 2\n\n')
    await until(() => stream.text.includes('data: 2'), 'the second event')
    held[0]?.end()
    await until(() => stream.ended === 'whole', 'its own end')
  })
})

describe('a route that changed', () => {
  const TO_OTHER = '  changing: { match: { path: /changing/* }, to: other }'

  it('finishes what it has begun as it was, while new requests go the new way', async () => {
    const waiting = sluice.get('/changing/hold')
    await until(() => held.length === 1, 'it is with the upstream')
    await live({ changing: TO_OTHER, timeout: '1m' })
    expect((await sluice.get('/changing/x')).body).toBe('other')
    held[0]?.end('as it was')
    expect(await waiting).toMatchObject({ status: 200, body: 'as it was' })
    expect(app.seen.at(-1)?.target).toBe('/hold')
    const [old, next] = [
      await sluice.line(({ path }) => path === '/changing/hold'),
      await sluice.line(({ path }) => path === '/changing/x'),
    ]
    expect([old.generation, next.generation]).toEqual([generation, generation + 1])
  })

  it.each([
    ['changed', TO_OTHER],
    ['was removed', ''],
  ])('cuts a stream after drain.timeout when its route %s', async (_, changing) => {
    const stream = await open('/changing/events')
    const before = Date.now()
    await live({ changing, timeout: '1s' })
    await until(() => stream.ended === 'broken', 'it is cut')
    const line = await sluice.line((one) => one.path === '/changing/events' && one.generation === generation)
    expect(line.reason).toBe('draining')
    expect(Date.parse(String(line.time)) - before).toBeGreaterThanOrEqual(990)
    await until(() => app.seen.at(-1)?.aborted === true, 'the upstream sees it')
  })

  it('is not changed by how it is written', async () => {
    const stream = await open('/changing/events')
    const answer = await sluice.command('config', {
      yaml: `# a comment\n${yaml({
        changing:
          '  changing:\n    to: app   # what it was\n    rewrite:\n      stripPrefix: "/changing"\n    match:\n      paths: [/changing/*]\n',
        extra: '  extra: { match: { path: /extra }, respond: { status: 200 } }',
      })}`,
    })
    expect(answer.status).toBe(200)
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(stream.ended).toBe('no')
  })
})

describe('an upstream that nobody uses any more', () => {
  it('loses its connections, and keeps those that are busy until they are done', async () => {
    await sluice.get('/others')
    expect(other.sockets.size).toBe(1)
    const config = yaml().replace(/^ {2}other(s)?: .*$/gm, '')
    expect((await sluice.command('config', { yaml: config })).status).toBe(200)
    await until(() => other.sockets.size === 0, 'its connection is closed')
    expect((await sluice.get('/others')).body).toBe('app')
  })
})
