import { METHODS } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seededRandom } from '../../../src/lib/random.ts'
import { Model } from '../../../src/tools/explain/model.ts'
import { field, httpClient } from '../../kit/client.ts'
import { hookedGateway } from '../../kit/gateway.ts'
import { type SeenRequest, seenField, type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { Generator } from './generate.ts'
import { lasting, told, written } from './kit.ts'

const CONFIGS = 8
const REQUESTS = 50
const NAMES = ['u1', 'u2', 'u3']
const TOP = {
  workers: 1,
  listeners: { web: { listen: '127.0.0.1:0', limits: { headerCount: 20 } } },
  admin: { listen: '127.0.0.1:0' },
  probes: { listen: '127.0.0.1:0' },
  drain: { delay: '0s', timeout: '1s' },
  trust: { proxies: ['127.0.0.0/8'] },
}

let upstreams: readonly TestUpstream[]

beforeAll(async () => {
  upstreams = await Promise.all(NAMES.map(() => testUpstream()))
})

afterAll(async () => {
  await Promise.all(upstreams.map((upstream) => upstream.close()))
})

/** What the upstreams have seen and nobody has taken yet. */
function takeSeen(): { readonly name: string; readonly request: SeenRequest }[] {
  return upstreams.flatMap(({ seen }, i) => seen.splice(0).map((request) => ({ name: NAMES[i] as string, request })))
}

test(`explain and a gateway on a socket agree on ${CONFIGS * REQUESTS} generated pairs`, async () => {
  const generator = new Generator(seededRandom(7))
  const counts = { configs: 0, forwarded: 0, answered: 0 }
  while (counts.configs < CONFIGS) {
    const text = generator.config(TOP, (name) => upstreams[NAMES.indexOf(name)]!.url)
    const loaded = await written(text)
    if (loaded === undefined) continue
    counts.configs++
    const gateway = await hookedGateway(text)
    try {
      const model = new Model(loaded)
      for (let i = 0; i < REQUESTS; i++) {
        const made = generator.request()
        const request = { ...made, headers: [...made.headers, 'sluice-explain', '1'], from: '127.0.0.1' }
        const story = `${JSON.stringify(request)} with ${text}`
        const { answer, forward, route } = told(model, request)
        const client = await httpClient(gateway.port)
        const lines = ['host', request.host, ...request.headers].map((part, i) =>
          i % 2 === 0 ? `${part}: ` : `${part}\r\n`,
        )
        client.send(`${request.method} ${request.target} HTTP/1.1\r\n${lines.join('')}\r\n`)
        const got = await client.answer(request.method)
        client.peer.reset()
        const [seen, ...more] = takeSeen()
        expect(more, story).toEqual([])
        expect(/;route=([^;]+)/.exec(field(got, 'sluice-explain') ?? '')?.[1], story).toBe(route?.name)
        // The upstream is node:http, which does not know every method that is passed on.
        if (forward !== undefined && !METHODS.includes(request.method)) continue
        expect(forward !== undefined, story).toBe(seen !== undefined)
        if (forward !== undefined && seen !== undefined) {
          counts.forwarded++
          expect(field(got, 'sluice-explain'), story).toContain(`;upstream=${seen.name};endpoint=http://127.0.0.1:`)
          const own = `127.0.0.1:${upstreams[NAMES.indexOf(seen.name)]!.port}`
          const port = `x-forwarded-port: ${gateway.port}`
          expect(
            { target: forward.target, host: forward.host ?? own, headers: lasting(forward.headers) },
            story,
          ).toEqual({
            target: seen.request.target,
            host: seenField(seen.request, 'host'),
            // Port 0 stands in the config.
            headers: lasting(seen.request.headers).map((line) => (line === port ? 'x-forwarded-port: 0' : line)),
          })
        } else {
          counts.answered++
          expect(got.status, story).toBe(answer?.status)
        }
      }
    } finally {
      await gateway.stop()
    }
  }
  expect(Math.min(counts.forwarded, counts.answered), JSON.stringify(counts)).toBeGreaterThan(25)
}, 120_000)

test('sluice-explain of a trusted peer is answered; of others it is taken away and has no effect', async () => {
  const text = (proxies: readonly string[]): string =>
    JSON.stringify({
      apiVersion: 'sluice/v1',
      ...TOP,
      gateway: { name: 'edge-eu' },
      trust: { proxies },
      upstreams: { app: { endpoints: [upstreams[0]!.url] } },
      routes: {
        app: { match: { path: '/app' }, to: 'app' },
        old: { match: { path: '/old' }, redirect: { path: '/app' } },
      },
    })
  const ask = async (port: number, path: string, value: string) => {
    const client = await httpClient(port)
    client.send(`GET ${path} HTTP/1.1\r\nhost: a.test\r\nsluice-explain: ${value}\r\n\r\n`)
    const answer = await client.answer()
    client.peer.reset()
    return field(answer, 'sluice-explain')
  }
  const trusting = await hookedGateway(text(['127.0.0.0/8']))
  try {
    const endpoint = `endpoint=${upstreams[0]!.url}`
    const start = /^edge-eu;generation=1/
    expect(await ask(trusting.port, '/app', '1')).toMatch(start)
    expect(await ask(trusting.port, '/app', '1')).toContain(`;route=app;upstream=app;${endpoint};attempts=1;queue_ms=0`)
    expect(await ask(trusting.port, '/old', '1')).toMatch(/;route=old;attempts=0/)
    expect(await ask(trusting.port, '/none', '1')).toMatch(/;attempts=0;queue_ms=0;reason=no_route$/)
    expect(await ask(trusting.port, '/app', '0')).toBeUndefined()
  } finally {
    await trusting.stop()
  }
  takeSeen()
  const wary = await hookedGateway(text([]))
  try {
    expect(await ask(wary.port, '/app', '1')).toBeUndefined()
    expect(await ask(wary.port, '/none', '1')).toBeUndefined()
    const [seen] = takeSeen()
    expect(seenField(seen!.request, 'sluice-explain')).toBeUndefined()
  } finally {
    await wary.stop()
  }
})
