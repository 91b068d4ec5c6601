import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ConfigServer } from '../../kit/config-server.ts'
import { says } from '../../kit/reload.ts'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { launch, openPage, withoutBrowser } from './kit/browser.ts'

describe.skipIf(withoutBrowser)('a gateway whose config comes from a URL', () => {
  let server: ConfigServer
  let sluice: Sluice
  let browser: Browser
  let page: Page
  let errors: string[]

  beforeAll(async () => {
    server = await ConfigServer.start(`${ONE_WORKER}routes:\n${says('all', '/*', 'one')}`)
    sluice = await startSluice('', { args: ['--config-every', '1s'], place: async () => server.url })
    browser = await launch()
    ;({ errors, page } = await openPage(browser, `http://127.0.0.1:${sluice.adminPort}/dashboard/`))
  })

  afterAll(async () => {
    await browser?.close()
    expect(await sluice?.stop()).toBe(0)
    await server?.down().catch(() => {})
  })

  test('says so where what is live is shown, and that it cannot be read while that is so', async () => {
    const attention = page.getByRole('region', { name: 'Needs attention' })
    await attention.getByRole('heading', { name: 'All is well' }).waitFor()
    await server.down()
    const line = attention.getByRole('listitem').filter({ hasText: 'the source of the config' })
    await line.waitFor()
    expect(await line.locator('.badge.warn').textContent()).toBe('unread')
    await line.getByRole('link', { name: 'the source of the config' }).click()
    await page.getByText(/^since .*ECONNREFUSED/).waitFor()
    await page.getByText('URL', { exact: true }).first().waitFor()
    await server.listen()
    await page.getByText(/^since .*ECONNREFUSED/).waitFor({ state: 'detached' })
    expect(errors).toEqual([])
  })
})
