import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sluice, startSluice, TOP } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { launch, openPage, withoutBrowser } from './kit/browser.ts'

const ROUTES = 1_000
const UPSTREAMS = 20
const ENDPOINTS = 10

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
  }, 60_000)

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
    await page.evaluate(
      'window.tasks = []; new PerformanceObserver((list) => tasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" })',
    )
    const before = await page.locator('.tiles').textContent()
    await page.waitForFunction(
      'performance.now() > 0 && new Promise((resolve) => setTimeout(() => resolve(true), 6000))',
    )
    expect(await page.locator('.tiles').textContent()).not.toBe(before)
    const tasks = (await page.evaluate('tasks')) as number[]
    process.stderr.write(
      `dashboard with 1,000 routes: ${tasks.length} tasks above 50 ms, ${Math.max(0, ...tasks)} ms the longest\n`,
    )
    // How long they take is for people to judge: this machine has others to serve.
    expect(await page.locator('tbody tr').count()).toBeLessThan(100)
    expect(await page.evaluate('document.querySelectorAll("*").length')).toBeLessThan(3_000)
    await page.getByLabel('Filter Routes').fill('route-999')
    await page.getByRole('link', { name: 'route-999' }).waitFor()
    expect(errors).toEqual([])
    await page.context().close()
  }, 60_000)
})
