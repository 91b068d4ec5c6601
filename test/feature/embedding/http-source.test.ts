import { createGateway, GatewayError, type HttpSourceSettings, httpSource } from 'sluice'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigServer, signingPair } from '../../kit/config-server.ts'
import { says } from '../../kit/reload.ts'
import { until } from '../../kit/until.ts'

const HEAD = 'apiVersion: sluice/v1\nlisteners: { web: { listen: "127.0.0.1:0" } }\nroutes:\n'
const yaml = (body: string): string => HEAD + says('all', '/*', body)
const closing: (() => unknown)[] = []
let server: ConfigServer

beforeEach(async () => {
  server = await ConfigServer.start(yaml('one'))
  closing.push(() => server.down())
})

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

describe('a program takes its config from a URL', () => {
  test('signed, with a token that is asked for each time, and follows it', async () => {
    const { key, pem } = signingPair()
    server.signer = key
    let asked = 0
    const source = httpSource({ url: server.url, every: 100, keys: [pem], token: () => `token-${++asked}` })
    const gateway = await createGateway({ config: source })
    closing.push(() => gateway.close())
    const [web] = await gateway.listen()
    const get = async (): Promise<string> => (await fetch(`http://127.0.0.1:${web?.port}/`)).text()
    expect(await get()).toBe('one')
    expect(server.seen[0]?.headers.authorization).toBe('Bearer token-1')
    server.text = yaml('two')
    await until(async () => (await get()) === 'two', 'the other text is live')
    server.signer = undefined
    server.text = yaml('three')
    await expect(gateway.reload()).rejects.toThrow('there is nothing (404)')
    expect(await get()).toBe('two')
    expect(gateway.status().config.from).toMatchObject({
      kind: 'http',
      name: server.url,
      problem: { reason: 'status' },
    })
    await gateway.close()
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 300))
    // What was on its way when the gateway closed may come yet.
    await pause()
    const { length } = server.seen
    await pause()
    expect(server.seen).toHaveLength(length)
  })

  test('a text that cannot be had makes no gateway', async () => {
    await server.down()
    const made = createGateway({ config: httpSource({ url: server.url }) })
    await expect(made).rejects.toThrow(GatewayError)
    await expect(made).rejects.toMatchObject({ code: 'config', problems: [{ file: server.url, line: 0 }] })
    await server.listen()
  })

  test.each([
    [{ url: 'sluice.yaml' }, 'url: it is no URL'],
    [{ url: 'ftp://example.com/a.yaml' }, 'url: it is no URL of http or https'],
    [{ url: 'http://example.com/a.yaml' }, 'url: plain HTTP'],
    [{ url: 'https://example.com/a.yaml', every: 5 }, 'every is 5; it is at least 100 ms'],
    [{ url: 'https://example.com/a.yaml', keys: ['x'] }, 'keys: it is no public key'],
  ] satisfies [HttpSourceSettings, string][])('%j: what is wrong with it', (settings, problem) => {
    expect(() => httpSource(settings)).toThrow(problem)
  })
})
