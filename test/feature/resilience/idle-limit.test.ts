import { afterEach, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { testAuthority } from '../../kit/tls.ts'
import { until } from '../../kit/until.ts'
import { endsIdle, type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { sluice as run } from '../cli/cli.ts'

const MESSAGE = 'an upstream ends idle connections sooner than connections.keepAlive'
const IDLE_MS = 600
const NAMES = ['plain', 'tls', 'hints', 'content']

let upstreams: TestUpstream[] = []
let sluice: Sluice | undefined

afterEach(async () => {
  expect(await sluice?.stop()).toBe(0)
  for (const upstream of upstreams) await upstream.close()
  upstreams = []
})

test('an upstream that ends idle connections, or asks us to, sooner than we would is told once', {
  timeout: 60_000,
}, async () => {
  const pair = testAuthority().issue('127.0.0.1')
  upstreams = await Promise.all([
    testUpstream(endsIdle(IDLE_MS)),
    testUpstream(endsIdle(IDLE_MS), pair),
    testUpstream((_req, res) => {
      res.setHeader('connection', 'keep-alive').setHeader('keep-alive', 'timeout=2').end('ok')
    }),
    testUpstream(),
  ])
  const [plain, tls, hints, content] = upstreams.map(({ port }) => port)
  sluice = await startSluice(`${TOP.replace(/workers: \d+/, 'workers: 1')}
defaults: { upstream: { connections: { keepAlive: 1m } } }
upstreams:
  plain: { endpoints: ["http://127.0.0.1:${plain}"] }
  tls: { endpoints: ["https://127.0.0.1:${tls}"], tls: { verify: false } }
  hints: { endpoints: ["http://127.0.0.1:${hints}"] }
  content: { endpoints: ["http://127.0.0.1:${content}"], connections: { keepAlive: 300ms } }
routes: { ${NAMES.map((name) => `${name}: { match: { path: /${name} }, to: ${name} }`).join(', ')} }
`)
  const gateway = sluice
  let asking = true
  const traffic = (async () => {
    while (asking) {
      await Promise.all(NAMES.map((name) => gateway.get(`/${name}`)))
      await new Promise((resolve) => setTimeout(resolve, 1_200))
    }
  })()
  const found = () => gateway.operational.filter(({ message }) => message === MESSAGE)
  await until(() => found().length >= 3, 'three upstreams are told of', 40_000).finally(async () => {
    asking = false
    await traffic
  })
  const told = found()
  expect(told.map(({ upstream }) => upstream).toSorted()).toEqual(['hints', 'plain', 'tls'])
  for (const line of told) {
    const limit = line.upstream === 'hints' ? 1_000 : IDLE_MS
    expect(line).toMatchObject({ level: 'warn', keepAliveMs: 60_000 })
    expect(line.ms).toBeGreaterThan(limit - 50)
    expect(line.ms).toBeLessThan(limit + 500)
  }
  type Shown = { readonly upstreams: readonly { readonly name: string; readonly idleLimitMs: number | null }[] }
  const { upstreams: shown } = (await gateway.status()) as unknown as Shown
  expect(shown.filter(({ idleLimitMs }) => idleLimitMs === null).map(({ name }) => name)).toEqual(['content'])
  const live = JSON.parse((await gateway.admin('/api/v1/live')).body) as Shown
  expect(live.upstreams.filter(({ idleLimitMs }) => idleLimitMs !== null)).toHaveLength(3)
  const status = await run(gateway.folder, ['status', '--admin', `http://127.0.0.1:${gateway.adminPort}`])
  expect(status.stdout).toMatch(/upstream plain\n {2}ends idle connections after \d+ms; connections\.keepAlive is 1m\n/)
  expect(status.stdout).toMatch(/upstream content\n {2}http/)
})
