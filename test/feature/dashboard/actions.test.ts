import { writeFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { launch, openPage, withoutBrowser } from './kit/browser.ts'
import { openShop, type Shop } from './kit/shop.ts'

/** Reading, too, takes a token. */
const AUTH = `
  listen: 127.0.0.1:0
  auth:
    tokens:
      - { name: watcher, role: viewer, secret: { env: VIEWER_TOKEN } }
      - { name: duty, role: operator, secret: { env: OPERATOR_TOKEN } }`

let shop: Shop
let browser: Browser

describe.skipIf(withoutBrowser)('an operator', () => {
  beforeAll(async () => {
    shop = await openShop()
    browser = await launch()
  })

  afterAll(async () => {
    await browser?.close()
    await shop?.close()
  })

  /** As the one who followed the link with the token. */
  async function at(hash: string): Promise<Page> {
    const { page } = await openPage(browser, `${shop.url}#token=${shop.token}`)
    await page.locator('#who', { hasText: 'local (admin)' }).waitFor()
    await page.goto(shop.url + hash)
    return page
  }

  const dialog = (page: Page) => page.getByRole('dialog')
  const said = (page: Page, text: string) => page.locator('#said', { hasText: text }).waitFor()

  test('comes in by a link whose token leaves the address at once, and stays in for the tab', async () => {
    const page = await at('#/')
    expect(page.url()).not.toContain(shop.token)
    await page.reload()
    await page.locator('#who', { hasText: 'local (admin)' }).waitFor()
    await page.context().close()
  })

  test('with a wrong token is told so, and goes on without', async () => {
    const { page } = await openPage(browser, shop.url)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await dialog(page).getByLabel('Token').fill('wrong')
    await dialog(page).getByLabel('Token').press('Enter')
    await said(page, 'The gateway does not know that token.')
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    expect(await page.locator('#said').textContent()).not.toContain('viewer')
    await page.context().close()
  })

  test('drains an endpoint and takes it back', async () => {
    const page = await at('#/upstream/good')
    const url = shop.upstream.url
    await page.getByRole('button', { name: `Drain ${url}` }).click()
    await dialog(page).getByRole('button', { name: 'Drain' }).click()
    await said(page, 'drained')
    const row = page.getByRole('row', { name: url })
    await row.getByText('draining').waitFor()
    await page.getByRole('button', { name: `Take back ${url}` }).click()
    await dialog(page).getByRole('button', { name: 'Take back' }).click()
    await row.getByText('usable').waitFor()
    await page.context().close()
  })

  test('forces a breaker and releases it; the timeline tells', async () => {
    const page = await at('#/route/bad')
    await page.getByRole('button', { name: 'Force the breaker bad → good' }).click()
    await dialog(page).getByLabel('State').selectOption('closed')
    await dialog(page).getByLabel('For how long').fill('5 minutes')
    await dialog(page).getByRole('button', { name: 'Force' }).click()
    await dialog(page).getByRole('alert').getByText('"5 minutes" is not a duration').waitFor()
    expect(await dialog(page).getByLabel('For how long').inputValue()).toBe('5 minutes')
    expect(await dialog(page).getByLabel('State').inputValue()).toBe('closed')
    await dialog(page).getByLabel('State').selectOption('open')
    await dialog(page).getByLabel('For how long').fill('5m')
    await dialog(page).getByLabel('For how long').press('Enter')
    await page.getByText('forced open', { exact: true }).waitFor()
    expect((await shop.sluice.get('/bad')).status).toBe(503)
    await page.getByRole('img', { name: /forced open at/ }).waitFor()
    await page.getByRole('button', { name: 'Release the breaker bad → good' }).click()
    await dialog(page).getByRole('button', { name: 'Release' }).click()
    await page.getByText('closed', { exact: true }).waitFor()
    await page.context().close()
  })

  test('nothing happens when a dialog is left by Escape, and the focus returns', async () => {
    const page = await at('#/config')
    const reload = page.getByRole('button', { name: 'Reload' })
    await reload.focus()
    await page.keyboard.press('Enter')
    await dialog(page).waitFor()
    await page.keyboard.press('Escape')
    await dialog(page).waitFor({ state: 'detached' })
    expect(await page.evaluate('document.activeElement.textContent')).toContain('Reload')
    expect(shop.sluice.operational.filter(({ path }) => path === 'reload')).toEqual([])
    await page.context().close()
  })

  test('reloads the config, and rolls back', async () => {
    const page = await at('#/config')
    await page.getByText('by start').waitFor()
    await writeFile(shop.sluice.file, shop.yaml.replace('request: 3s', 'request: 4s'))
    await page.getByRole('button', { name: 'Reload' }).click()
    await dialog(page).getByRole('button', { name: 'Reload' }).click()
    await page.locator('#said').getByText('config').waitFor()
    const history = page.getByRole('region', { name: 'History' })
    await history.getByRole('rowheader', { name: '2' }).waitFor()
    await history.getByRole('button', { name: 'Roll back to 1' }).click()
    await dialog(page).getByRole('button', { name: 'Roll back' }).click()
    await page.getByText('rollback', { exact: true }).first().waitFor()
    await page.context().close()
  })

  test('is told what is wrong with a config that was refused', async () => {
    const page = await at('#/config')
    await page.getByRole('button', { name: 'Reload' }).waitFor()
    await writeFile(shop.sluice.file, shop.yaml.replace('to: dead', 'to: daed'))
    await page.getByRole('button', { name: 'Reload' }).click()
    await dialog(page).getByRole('button', { name: 'Reload' }).click()
    await page.locator('#said').getByText('Not done: the config was refused').waitFor()
    await page.getByRole('list', { name: 'Problems' }).getByText('daed').waitFor()
    await page.goto(`${shop.url}#/`)
    await page.getByRole('link', { name: 'the latest config' }).waitFor()
    await page.context().close()
  })
})

describe.skipIf(withoutBrowser)('a viewer', () => {
  const SECRETS = {
    VIEWER_TOKEN: 'viewer-secret-of-32-characters--',
    OPERATOR_TOKEN: 'operator-secret-of-32-characters',
  }
  let own: Shop
  let mine: Browser

  beforeAll(async () => {
    own = await openShop(AUTH, SECRETS)
    mine = await launch()
  })

  afterAll(async () => {
    await mine?.close()
    await own?.close()
  })

  test('is asked for a token, and sees everything but buttons that change something', async () => {
    const { page } = await openPage(mine, own.url)
    const dialog = page.getByRole('dialog', { name: 'Sign in' })
    await dialog.getByLabel('Token').fill('wrong')
    await dialog.getByLabel('Token').press('Enter')
    await dialog.getByText('The gateway does not know that token.').waitFor()
    await dialog.getByLabel('Token').fill(SECRETS.VIEWER_TOKEN)
    await dialog.getByLabel('Token').press('Enter')
    await page.locator('#who', { hasText: 'watcher (viewer)' }).waitFor()
    await page.locator('#link-state', { hasText: 'live' }).waitFor()
    const pages = [
      ['#/route/bad', 'closed'],
      ['#/upstream/good', 'usable'],
      ['#/requests', 'Failed and slow requests'],
      ['#/config', 'files'],
      ['#/', 'serving'],
    ] as const
    for (const [hash, shown] of pages) {
      await page.goto(own.url + hash)
      await page.getByText(shown, { exact: true }).first().waitFor()
      expect(await page.getByRole('button', { name: /Drain|Take back|Force|Release|Reload|Roll back/ }).count()).toBe(0)
    }
    await page.context().close()
  })

  test('becomes an operator with another token, and only then has them', async () => {
    const { page } = await openPage(mine, `${own.url}#token=${SECRETS.VIEWER_TOKEN}`)
    await page.locator('#who', { hasText: 'watcher (viewer)' }).click()
    await page.getByRole('dialog').getByLabel('Token').fill(SECRETS.OPERATOR_TOKEN)
    await page.getByRole('dialog').getByRole('button', { name: 'Sign in' }).click()
    await page.locator('#who', { hasText: 'duty (operator)' }).waitFor()
    await page.goto(`${own.url}#/config`)
    await page.getByRole('button', { name: 'Reload' }).waitFor()
    await page.context().close()
  })
})
