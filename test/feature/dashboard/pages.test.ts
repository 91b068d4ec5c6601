import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../../kit/until.ts'
import { serious } from './kit/axe.ts'
import { launch, openPage, withoutBrowser } from './kit/browser.ts'
import { openShop, type Shop } from './kit/shop.ts'

let shop: Shop
let browser: Browser
let load: NodeJS.Timeout
let failedId: string

const PAGES = () =>
  [
    '#/',
    '#/route/bad',
    '#/upstream/good',
    '#/requests?status=5xx',
    `#/request/${failedId}`,
    '#/config?route=good',
  ] as const

describe.skipIf(withoutBrowser)('each page', () => {
  beforeAll(async () => {
    shop = await openShop()
    browser = await launch()
    const ask = (path: string) => shop.sluice.get(path)
    failedId = (await ask('/bad')).headers['sluice-request-id'] as string
    load = setInterval(() => void Promise.all(['/good', '/bad', '/dead', '/text'].map(ask)).catch(() => {}), 50)
    await until(async () => (await shop.sluice.admin(`/api/v1/requests/${failedId}`)).status === 200)
  })

  afterAll(async () => {
    clearInterval(load)
    await browser?.close()
    await shop?.close()
  })

  /** Waits until it is live and has painted. */
  async function at(
    hash: string,
    options: Parameters<typeof openPage>[2] = {},
  ): Promise<{ page: Page; errors: string[] }> {
    const opened = await openPage(browser, shop.url + hash, options)
    await opened.page.locator('#link-state', { hasText: 'live' }).waitFor()
    await opened.page.locator('h1').waitFor()
    return opened
  }

  test('names the instance in its title', async () => {
    const { page, errors } = await at('#/')
    await until(async () => /^Overview|^test · .+ · Sluice$/.test(await page.title()))
    expect(await page.locator('#instance').textContent()).toMatch(/^test · ./)
    expect(errors).toEqual([])
    await page.context().close()
  })

  test('overview: traffic, errors, what needs attention, routes, upstreams and workers', async () => {
    const { page, errors } = await at('#/')
    const row = (name: string, table = 'Routes') =>
      page
        .getByRole('region', { name: table, exact: true })
        .locator('tr', { has: page.getByRole('rowheader', { name, exact: true }) })
    await until(async () => Number(await row('good').locator('td').first().textContent()) > 5)
    await until(async () => (await row('bad').textContent())?.includes('✕ 100 %') === true)
    const attention = page.getByRole('region', { name: 'Needs attention' })
    await attention.getByRole('link', { name: 'route bad' }).waitFor()
    for (const caption of ['Objectives', 'Routes', 'Upstreams', 'Workers'])
      expect(await page.getByRole('heading', { name: caption, exact: true }).count()).toBe(1)
    await until(
      async () => (await page.getByRole('region', { name: 'Objectives' }).textContent())?.includes('✕ spent') === true,
    )
    const tile = (label: string) => page.locator('.tile', { hasText: label }).locator('dd')
    expect(await tile('Endpoints out').textContent()).toMatch(/^(0|▲ 1)of 3$/)
    expect(await tile('Breakers not closed').textContent()).toBe('0of 3')
    await row('worker 0', 'Workers').getByText('serving').waitFor()
    expect(await page.locator('canvas').count()).toBe(4)
    expect(errors).toEqual([])
    await page.context().close()
  })

  test('charts tell what was where somebody points, all of a page at once', async () => {
    const { page, errors } = await at('#/')
    await page.locator('.u-over').nth(3).waitFor()
    expect(await page.locator('.plot .when:visible').count()).toBe(0)
    const { height = 0, width = 0 } = (await page.locator('.u-over').first().boundingBox()) ?? {}
    await page
      .locator('.u-over')
      .first()
      .hover({ position: { x: width - 2, y: height / 2 } })
    await until(async () => (await page.locator('.plot .when:visible').count()) === 4)
    expect(await page.locator('.plot .when').first().textContent()).toMatch(/^\d\d:\d\d:\d\d$/)
    await page.mouse.move(0, 0)
    await until(async () => (await page.locator('.plot .when:visible').count()) === 0)
    expect(errors).toEqual([])
    await page.context().close()
  })

  test('route: charts, breakers, its failed requests and whose values hold', async () => {
    const { page, errors } = await at('#/route/bad')
    await page.getByText('defaults').first().waitFor()
    await page.getByRole('img', { name: /closed all the time/ }).waitFor()
    await page.getByRole('cell', { name: '503' }).first().waitFor()
    expect(await page.getByRole('link', { name: 'good' }).first().getAttribute('href')).toBe('#/upstream/good')
    expect(await page.locator('canvas').count()).toBe(4)
    expect(errors).toEqual([])
    await page.context().close()
  })

  test('upstream: endpoints with their state, health over time, charts', async () => {
    const { page, errors } = await at('#/upstream/good')
    await page.getByRole('rowheader', { name: shop.upstream.url }).waitFor()
    expect(await page.locator('tbody .badge').count()).toBe(2)
    await page.getByText('It has had a usable endpoint all the time').waitFor()
    await page.getByRole('region', { name: 'Effective config of upstream good' }).getByText('defaults').waitFor()
    expect(await page.locator('canvas').count()).toBe(4)
    expect(errors).toEqual([])
    await page.context().close()
  })

  test('requests: a list with filters, and the story of each', async () => {
    const { page, errors } = await at('#/requests')
    await page.getByRole('cell', { name: '/bad' }).first().waitFor()
    await page.getByLabel('Reason').fill('connect_refused')
    await page.getByLabel('Reason').press('Enter')
    await page.getByRole('cell', { name: 'connect_refused' }).first().waitFor()
    await until(async () => (await page.getByRole('cell', { name: '/bad' }).count()) === 0)
    await page.locator('tbody th a').first().click()
    const story = page.getByRole('list', { name: 'What happened' })
    await story.getByText('failed: connect_refused').first().waitFor()
    expect(await story.textContent()).toContain('received from 127.0.0.1')
    expect(errors).toEqual([])
    await page.context().close()
  })

  test('config: what is live, what was, and whose values hold', async () => {
    const { page, errors } = await at('#/config')
    await page.getByText('by start').waitFor()
    await page.getByRole('region', { name: 'History' }).getByText('live', { exact: true }).waitFor()
    await page.getByLabel('Of route').fill('good')
    await page.getByLabel('Of route').press('Enter')
    await page.getByText('defaults').first().waitFor()
    await page.getByLabel('Of upstream').fill('good')
    await page.getByLabel('Of upstream').press('Enter')
    await page.getByRole('region', { name: 'Effective config of upstream good' }).getByText('keepAlive').waitFor()
    expect(await page.getByLabel('Of route').inputValue()).toBe('')
    expect(errors).toEqual([])
    await page.context().close()
  })

  test('what the live config does not have is said, with a way on', async () => {
    for (const [hash, kind] of [
      ['#/route/nope', 'route'],
      ['#/route/50%', 'route'],
      ['#/upstream/nope', 'upstream'],
    ] as const) {
      const { page } = await at(hash)
      await page.getByText(`The live config has no ${kind} of this name.`).waitFor()
      expect(await page.locator('figure:visible').count()).toBe(0)
      await page.getByRole('link', { name: 'All that there are' }).click()
      await page.getByRole('heading', { name: 'Overview' }).waitFor()
      await page.context().close()
    }
    const { page } = await at('#/requests?reason=no_such_reason')
    await page.getByText('reason: "no_such_reason" is not a reason').waitFor()
    await page.goto(`${shop.url}#/requests?status=900`)
    await page.getByText('status: "900" is not a status').waitFor()
    await page.goto(`${shop.url}#/request/nope`)
    await page.getByRole('link', { name: 'Those that are kept' }).click()
    await page.getByRole('cell', { name: '503' }).first().waitFor()
    await page.context().close()
  })

  test('requests that matched no route have a page of their own', async () => {
    await shop.sluice.get('/nowhere')
    const { page, errors } = await at('#/')
    await page.getByRole('link', { name: 'no route', exact: true }).click()
    await page.getByRole('heading', { name: 'No route' }).waitFor()
    await page.getByRole('cell', { name: 'no_route' }).first().waitFor()
    expect(errors).toEqual([])
    await page.context().close()
  })

  test('shows its heading below the bar, wherever one comes from', async () => {
    const { page } = await at('#/', { viewport: { width: 1280, height: 500 } })
    await page.getByRole('link', { name: 'dead' }).last().click()
    await page.getByRole('heading', { name: 'Upstream dead', exact: true }).waitFor()
    const bar = await page.locator('.top').boundingBox()
    const heading = await page.locator('h1').boundingBox()
    expect(heading?.y).toBeGreaterThan((bar?.y ?? 0) + (bar?.height ?? 0))
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    await page.context().close()
  })

  test('has nothing that keeps people out, in light or dark', async () => {
    for (const hash of PAGES()) {
      const { page } = await at(hash, { colorScheme: 'light' })
      await page.locator('body:has-text("Asking")').waitFor({ state: 'detached' })
      expect(await serious(page), `${hash} in light`).toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await serious(page), `${hash} in dark`).toEqual([])
      await page.context().close()
    }
  })

  test('needs no sideways scrolling at 360 px', async () => {
    for (const hash of PAGES()) {
      const { page } = await at(hash, { viewport: { width: 360, height: 740 } })
      await page.locator('body:has-text("Asking")').waitFor({ state: 'detached' })
      const [wide, narrow] = (await page.evaluate(
        '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
      )) as [number, number]
      expect([hash, wide]).toEqual([hash, narrow])
      await page.context().close()
    }
  })

  test('goes by keyboard: skip link, pages, sorting; the theme is kept', async () => {
    const { page } = await at('#/')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to content')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.activeElement.id')).toBe('main')
    const errors = page.getByRole('button', { name: 'Errors' })
    await errors.focus()
    await page.keyboard.press('Enter')
    expect(await page.locator('th[aria-sort]:visible', { hasText: /^Errors$/ }).textContent()).toBe('Errors')
    const theme = page.locator('#theme')
    await theme.focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Enter')
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark')
    await page.reload()
    expect(await theme.textContent()).toBe('Theme: dark')
    await page.context().close()
  })
})
