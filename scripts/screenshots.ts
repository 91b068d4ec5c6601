import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { launch } from '../test/feature/dashboard/kit/browser.ts'
import { startSluice, TOP } from '../test/kit/sluice.ts'
import { until } from '../test/kit/until.ts'
import { testUpstream } from '../test/kit/upstream.ts'

// Makes the pictures in docs/images: a gateway with a bad minute, and the dashboard looking at it.

const IMAGES = join(import.meta.dirname, '../docs/images')
/** Seconds of load before the pictures; the bad part is in the middle. */
const SECONDS = Number(process.argv[2] ?? 150)

let ill = false
const answer = (min: number, spread: number) => (_request: unknown, response: import('node:http').ServerResponse) => {
  setTimeout(() => response.end('ok'), min + Math.random() ** 3 * spread)
}
const well = await Promise.all([3, 4, 5, 6, 7].map((min) => testUpstream(answer(min, 40))))
const failing = await testUpstream((request, response) => {
  if (ill) response.writeHead(503).end()
  else answer(4, 40)(request, response)
})
const payments = await testUpstream((request, response) => {
  if (ill) setTimeout(() => response.writeHead(503).end(), 250)
  else answer(20, 120)(request, response)
})
const [a, b, c, d, e] = well.map(({ url }) => url)
const yaml = `${TOP.replace('name: test', 'name: shop')}
upstreams:
  orders: { endpoints: ["${a}", "${b}", "${failing.url}"], healthCheck: { path: /, interval: 1s } }
  catalog: { endpoints: ["${c}", "${d}"] }
  payments: { endpoints: ["${payments.url}"] }
  search: { endpoints: ["${e}"] }
defaults: { route: { timeouts: { request: 3s } } }
routes:
  orders: { match: { path: /orders/* }, to: orders, retries: { maxExtra: 2, when: [connect, reset, 503] } }
  catalog: { match: { path: /catalog/* }, to: catalog, slo: { availability: 99.9% } }
  checkout:
    match: { path: /checkout/* }
    to: payments
    slo: { availability: 99%, latency: { p99: 1s } }
    circuitBreaker: { minRequests: 10 }
    bulkhead: { maxConcurrent: 8, queue: { size: 50, maxWait: 300ms } }
  search: { match: { path: /search }, to: search }
  old-shop: { match: { path: /shop/* }, redirect: { replacePrefix: { from: /shop, to: /orders } } }
`
const sluice = await startSluice(yaml)
const paths = [
  '/orders/1',
  '/orders/2',
  '/catalog/7',
  '/search',
  '/checkout/9',
  '/orders/3',
  '/catalog/8',
  '/shop/1',
  '/nothing',
]
let sent = 0
const load = setInterval(() => {
  const count = 3 + Math.round(2 * Math.sin(Date.now() / 9_000) + Math.random() * 2)
  for (let i = 0; i < count; i++) void sluice.get(paths[sent++ % paths.length] as string).catch(() => {})
}, 50)
const seconds = (count: number) => new Promise((resolve) => setTimeout(resolve, count * 1000))
await seconds(SECONDS * 0.4)
ill = true
await seconds(SECONDS * 0.2)
await writeFile(sluice.file, yaml.replace('timeouts: { request: 3s }', 'timeouts: { request: 2s }'))
await sluice.command('reload', {})
await seconds(SECONDS * 0.1)
ill = false
await seconds(SECONDS * 0.25)
ill = true
await seconds(SECONDS * 0.05)

const token = (
  await readFile(String(sluice.operational.find(({ message }) => message === 'ready')?.tokenFile), 'utf8')
).trim()
const { requests } = JSON.parse((await sluice.admin('/api/v1/requests?status=5xx&limit=1000')).body) as {
  requests: { requestId: string; attempts: number }[]
}
// The one with the longest story.
const told = requests.toSorted((a, b) => b.attempts - a.attempts)[0]
const browser = await launch()
await mkdir(IMAGES, { recursive: true })

async function picture(
  name: string,
  hash: string,
  options: { width?: number; height?: number; dark?: boolean } = {},
): Promise<void> {
  const { dark = false, height = 1200, width = 1280 } = options
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light' })
  const page: Page = await context.newPage()
  await page.goto(`http://127.0.0.1:${sluice.adminPort}/dashboard/#token=${token}`)
  await until(async () => (await page.locator('#link-state').textContent()) === 'live')
  await page.goto(`http://127.0.0.1:${sluice.adminPort}/dashboard/${hash}`)
  await page.locator('h1').waitFor()
  await seconds(2.5)
  await page.screenshot({ path: join(IMAGES, `dashboard-${name}.png`) })
  await context.close()
}

await picture('overview', '#/')
await picture('overview-dark', '#/', { dark: true })
await picture('route', '#/route/checkout', { height: 1400 })
await picture('upstream', '#/upstream/orders', { height: 1100 })
await picture('requests', '#/requests?status=5xx', { height: 800 })
await picture('request', `#/request/${told?.requestId ?? ''}`, { height: 700 })
await picture('config', '#/config?route=checkout', { height: 1200, dark: true })
await picture('narrow', '#/', { width: 360, height: 1000 })
await browser.close()
clearInterval(load)
await sluice.stop()
await Promise.all([...well, failing, payments].map((upstream) => upstream.close()))
