import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/lib/random.ts'
import { field, fields } from '../../kit/client.ts'
import { type ExchangeCase, exchangeCase } from '../../kit/exchange-cases.ts'
import { playClient, scriptedUpstream } from '../../kit/exchange-fuzz.ts'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import type { TcpServer } from '../../kit/tcp.ts'
import { testAuthority } from '../../kit/tls.ts'
import { until } from '../../kit/until.ts'

const CASES = Number(process.env.SLUICE_FUZZ_CASES ?? 480)
const AT_ONCE = 16
const SEED = Number(process.env.SLUICE_FUZZ_SEED ?? 20_261_130)

describe.each(['http', 'https'])('upstreams over %s', (scheme) => {
  const cases = new Map<number, ExchangeCase>()
  let upstream: TcpServer
  let sluice: Sluice

  beforeAll(async () => {
    upstream = await scriptedUpstream(cases, scheme === 'https' ? testAuthority().issue('127.0.0.1') : undefined)
    // One failure that is the upstream's opens the breaker of `good` and ejects an endpoint: there must be none.
    sluice =
      await startSluice(`${TOP.replace('web: { listen: "127.0.0.1:0" }', 'web: { listen: "127.0.0.1:0", timeouts: { headers: 2s, body: 2s } }')}
upstreams:
  good:
    endpoints: ["${scheme}://127.0.0.1:${upstream.port}", "${scheme}://localhost:${upstream.port}"]
    tls: { verify: false }
    outlierDetection: { consecutiveFailures: 1 }
  bad: { endpoints: ["${scheme}://127.0.0.1:${upstream.port}"], tls: { verify: false }, outlierDetection: off }
routes:
  good:
    match: { path: /good/* }
    to: good
    circuitBreaker: { minRequests: 1, errorRate: 1% }
  bad: { match: { path: /bad/* }, to: bad, circuitBreaker: off }
`)
  })

  afterAll(async () => {
    expect(await sluice.stop()).toBe(0)
    await upstream.close()
  })

  /** Holds an answer against what the upstream sent. */
  async function play(one: ExchangeCase): Promise<void> {
    const context = JSON.stringify({
      ...one,
      body: one.body.slice(0, 100),
      answer: one.answer.slice(0, 800),
      content: '',
    })
    const seen = await playClient(sluice.port(), one).catch((error: unknown) => {
      throw new Error(`${String(error)}: ${context}`)
    })
    if (seen === undefined) return
    for (const name of ['sluice-request-id', 'x-correlation-id']) {
      expect(fields(seen, name), context).toHaveLength(1)
      expect(field(seen, name), context).not.toBe('forged')
    }
    expect(seen.trailers.join(), context).not.toMatch(/forged/)
    // Another's reset may take a connection of `bad` along.
    if (pathOf(one).startsWith('/bad/')) return
    expect(`${seen.status} ${seen.complete}`, context).toBe(`${one.status} true`)
    expect(seen.body === one.content, context).toBe(true)
    expect(field(seen, 'x-opaque-octets'), context).toBe(one.opaque.trim())
    for (const name of ['x-named', 'upgrade', 'proxy-connection', 'sluice-degraded'])
      expect(field(seen, name), context).toBe(undefined)
  }

  test(`${CASES} exchanges of every kind: one line each, nothing stays held, nobody is blamed for another`, async () => {
    const random = seededRandom(SEED)
    const problems: string[] = []
    for (let id = 0; id < CASES; id += AT_ONCE) {
      const batch = Array.from({ length: AT_ONCE }, (_, i) => exchangeCase(id + i, random, random.float() < 0.4))
      for (const one of batch) cases.set(one.id, one)
      await Promise.all(
        batch.map((one) =>
          play(one).catch((error: unknown) =>
            problems.push(`${String(error).slice(0, 1500)} … ${String(error).slice(-300)}`),
          ),
        ),
      )
    }
    expect(problems.slice(0, 5)).toEqual([])
    const lines = new Map<string, number>()
    const count = (): number => {
      lines.clear()
      for (const { path } of sluice.log) lines.set(String(path), (lines.get(String(path)) ?? 0) + 1)
      return lines.size
    }
    await until(
      () => count() >= CASES,
      () =>
        `a line for ${JSON.stringify([...cases.values()].filter((one) => !lines.has(pathOf(one))).slice(0, 3)).slice(0, 4000)}`,
    )
    expect([...lines].filter(([, times]) => times !== 1)).toEqual([])
    let metrics = ''
    await until(
      async () => {
        metrics = (await sluice.probe('/metrics')).body
        return !/^sluice_(requests_in_flight|bulkhead_in_flight|connections|pool_waiters)\{.*\} [^0]/m.test(metrics)
      },
      () => `nothing held in ${metrics}`,
    )
    expect(metrics).toMatch(/^sluice_lost_ends_total 0$/m)
    expect(metrics).not.toMatch(/^sluice_breaker_transitions_total/m)
    expect(metrics).not.toMatch(/^sluice_ejections_total/m)
    expect(metrics).not.toMatch(/sluice_worker_restarts_total\{[^}]*\} [1-9]/)
    expect(sluice.operational.filter(({ level }) => level === 'error')).toEqual([])
  }, 600_000)
})

function pathOf({ head }: ExchangeCase): string {
  return head.split(' ')[1] as string
}
