import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { launch, openPage, withoutBrowser } from './kit/browser.ts'

const ROUTES = 1_000
const UPSTREAMS = 20
const ENDPOINTS = 10
const WATCHED_S = 3

describe.skipIf(withoutBrowser)('1,000 routes and 200 endpoints', () => {
  let browser: Browser
  let sluice: Sluice
  let upstream: TestUpstream
  let load: NodeJS.Timeout

  beforeAll(async () => {
    upstream = await testUpstream((_request, response) => void response.end('ok'))
    const closed = await closedPort()
    const endpoints = (i: number) =>
      Array.from({ length: ENDPOINTS }, (_, j) =>
        j === 0 ? `"${upstream.url}"` : `"http://127.0.${i + 1}.${j}:${closed}"`,
      ).join(', ')
    const upstreams = Array.from({ length: UPSTREAMS }, (_, i) => `  up-${i}: { endpoints: [${endpoints(i)}] }`)
    const routes = Array.from(
      { length: ROUTES },
      (_, i) => `  route-${i}: { match: { path: /r/${i} }, to: up-${i % UPSTREAMS} }`,
    )
    sluice = await startSluice(`${TOP}
upstreams:
${upstreams.join('\n')}
routes:
${routes.join('\n')}
`)
    let next = 0
    load = setInterval(() => {
      for (let i = 0; i < 10; i++) void sluice.get(`/r/${next++ % ROUTES}`).catch(() => {})
    }, 50)
    browser = await launch()
  })

  afterAll(async () => {
    clearInterval(load)
    await browser?.close()
    await sluice?.stop()
    await upstream?.close()
  })

  test('stay fluent: what is drawn is bounded, whatever there is; long tasks are reported', async () => {
    const { errors, page } = await openPage(browser, `http://127.0.0.1:${sluice.adminPort}/dashboard/`)
    await page.locator('#link-state', { hasText: 'live' }).waitFor()
    await page.getByText('of 1000').waitFor()
    const tools = await page.context().newCDPSession(page)
    await tools.send('Performance.enable', { timeDomain: 'threadTicks' })
    const busy = async (): Promise<number> => {
      const { metrics } = await tools.send('Performance.getMetrics')
      return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN) * 1000
    }
    await page.evaluate(
      'window.tasks = []; new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" })',
    )
    const [shown, begun] = [await page.locator('.tiles').textContent(), await busy()]
    await page.evaluate(`new Promise((resolve) => setTimeout(resolve, ${WATCHED_S * 1000}))`)
    const used = ((await busy()) - begun) / WATCHED_S
    await until(async () => (await page.locator('.tiles').textContent()) !== shown, 'the numbers go on')
    const longest = Math.max(0, ...((await page.evaluate('tasks')) as number[]))
    process.stderr.write(
      `dashboard with 1,000 routes: ${Math.round(used)} ms of CPU an update, longest task ${longest} ms by the clock\n`,
    )
    // How long they take is for people to judge: this machine has others to serve.
    expect(await page.locator('tbody tr').count()).toBeLessThan(100)
    expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(3_000)
    await page.getByLabel('Filter Routes').fill('route-999')
    await page.getByRole('link', { name: 'route-999' }).waitFor()
    expect(errors).toEqual([])
    await page.context().close()
  })
})
