import { readFile } from 'node:fs/promises'
import { type Sluice, startSluice, TOP } from '../../../kit/sluice.ts'
import { closedPort } from '../../../kit/tcp.ts'
import { type Script, type TestUpstream, testUpstream } from '../../../kit/upstream.ts'

/** A gateway with something of everything to look at. */
export interface Shop {
  readonly sluice: Sluice
  readonly yaml: string
  readonly upstream: TestUpstream
  /** Of the page, without a fragment. */
  readonly url: string
  /** Of the operator of this machine. */
  readonly token: string
  close(): Promise<void>
}

export async function openShop(
  admin = '{ listen: "127.0.0.1:0" }',
  env: Readonly<Record<string, string>> = {},
): Promise<Shop> {
  const script: Script = (request, response) => {
    if (request.url === '/bad') response.statusCode = 503
    response.end('ok')
  }
  const upstream = await testUpstream(script)
  const second = await testUpstream(script)
  const yaml = `${TOP.replace('admin: { listen: "127.0.0.1:0" }', `admin: ${admin}`)}
upstreams:
  good: { endpoints: ["${upstream.url}", "${second.url}"] }
  dead: { endpoints: ["http://127.0.0.1:${await closedPort()}"] }
defaults: { route: { timeouts: { request: 3s } }, upstream: { connections: { keepAlive: 2s } } }
routes:
  good: { match: { path: /good }, to: good }
  bad: { match: { path: /bad }, to: good, slo: { availability: 99.9% }, circuitBreaker: { minRequests: 1000 } }
  dead: { match: { path: /dead }, to: dead, retries: off, circuitBreaker: { minRequests: 1000 } }
  text: { match: { path: /text }, respond: { status: 200, body: text } }
`
  const sluice = await startSluice(yaml, { env })
  return {
    sluice,
    yaml,
    upstream,
    url: `http://127.0.0.1:${sluice.adminPort}/dashboard/`,
    token: await tokenOf(sluice),
    close: async () => {
      await sluice.stop()
      await Promise.all([upstream.close(), second.close()])
    },
  }
}

/** Empty: the config names its own. */
export async function tokenOf(sluice: Sluice): Promise<string> {
  const { tokenFile } = sluice.operational.find(({ message }) => message === 'ready') ?? {}
  return typeof tokenFile === 'string' ? (await readFile(tokenFile, 'utf8')).trim() : ''
}
