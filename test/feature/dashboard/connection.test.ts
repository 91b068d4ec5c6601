import { readFile, writeFile } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startSluice } from '../../kit/sluice.ts'
import { closedPort } from '../../kit/tcp.ts'
import { until } from '../../kit/until.ts'
import { launch, openPage, withoutBrowser } from './kit/browser.ts'
import { openShop, type Shop } from './kit/shop.ts'

/** Another proxy in front, with the dashboard below a prefix that it takes off. */
async function prefixProxy(port: number): Promise<Server> {
  const server = createServer((asked, answer) => {
    if (asked.url?.startsWith('/ops/shop/') !== true) return void answer.writeHead(404).end()
    const path = asked.url.slice('/ops/shop'.length)
    const on = request({ port, host: '127.0.0.1', method: asked.method, path, headers: asked.headers }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers)
      got.pipe(answer)
    })
    on.on('error', () => answer.destroy())
    answer.on('close', () => on.destroy())
    asked.pipe(on)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

describe.skipIf(withoutBrowser)('the dashboard', () => {
  let browser: Browser
  let shop: Shop

  beforeEach(async () => {
    browser = await launch()
  })

  afterEach(async () => {
    await browser?.close()
    await shop?.close()
  })

  test('survives a restart of the gateway: says so, connects again, and its charts go on', async () => {
    shop = await openShop(`{ listen: "127.0.0.1:${await closedPort()}" }`)
    const load = setInterval(() => void shop.sluice.get('/good').catch(() => {}), 50)
    const { page } = await openPage(browser, shop.url)
    const state = page.locator('#link-state')
    await state.filter({ hasText: 'live' }).waitFor()
    await page.locator('canvas').first().waitFor()
    clearInterval(load)
    shop.sluice.child.kill('SIGKILL')
    await state.filter({ hasText: 'reconnecting' }).waitFor()
    await page.locator('#said').getByText('connecting again').waitFor()
    const again = await startSluice(await readFile(shop.sluice.file, 'utf8'))
    try {
      await state.filter({ hasText: 'live' }).waitFor()
      await until(async () => /Up for\s*\d/.test((await page.locator('.tiles').textContent()) ?? ''))
      // What was drawn before is still there, and the new gateway's first config is a mark beside the old one's.
      expect(await page.locator('canvas').count()).toBe(4)
    } finally {
      await again.stop()
    }
  })

  test('works below a prefix behind another proxy, with actions', async () => {
    shop = await openShop()
    const proxy = await prefixProxy(shop.sluice.adminPort)
    try {
      const base = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/ops/shop/`
      const { errors, page } = await openPage(browser, `${base}#token=${shop.token}`)
      await page.locator('#link-state', { hasText: 'live' }).waitFor()
      expect(page.url()).toBe(`${base}dashboard/#/`)
      await page.getByRole('link', { name: 'Config' }).click()
      await page.locator('#who', { hasText: 'local (admin)' }).waitFor()
      await page.getByText('by start').waitFor()
      await writeFile(shop.sluice.file, shop.yaml.replace('request: 3s', 'request: 5s'))
      await page.getByRole('button', { name: 'Reload' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Reload' }).click()
      await page.getByRole('region', { name: 'History' }).getByRole('rowheader', { name: '2' }).waitFor()
      expect(errors).toEqual([])
    } finally {
      await browser.close()
      proxy.close()
    }
  })
})
