import { writeFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ONE_WORKER, type Sluice, startSluice } from '../../kit/sluice.ts'
import { endsIdle, type TestUpstream, testUpstream } from '../../kit/upstream.ts'
import { launch, openPage, withoutBrowser } from './kit/browser.ts'

const IDLE_MS = 400
const SAID = /^ends idle connections after \d\.\d s, before connections\.keepAlive$/

describe.skipIf(withoutBrowser)('an upstream that ends idle connections before Sluice would', () => {
  let upstream: TestUpstream
  let sluice: Sluice
  let browser: Browser
  let page: Page
  let errors: string[]
  let load: NodeJS.Timeout
  let yaml: string

  beforeAll(async () => {
    upstream = await testUpstream(endsIdle(IDLE_MS))
    yaml = `${ONE_WORKER}
upstreams: { sleepy: { endpoints: ["${upstream.url}"], connections: { keepAlive: 1m } } }
routes: { all: { match: { path: /* }, to: sleepy } }
`
    sluice = await startSluice(yaml)
    browser = await launch()
    ;({ errors, page } = await openPage(browser, `http://127.0.0.1:${sluice.adminPort}/dashboard/`))
  })

  afterAll(async () => {
    clearInterval(load)
    await browser?.close()
    expect(await sluice?.stop()).toBe(0)
    await upstream?.close()
  })

  const attention = () => page.getByRole('region', { name: 'Needs attention' })

  test('needs no attention as long as nobody has found out', async () => {
    await attention().getByRole('heading', { name: 'All is well' }).waitFor()
    expect(await attention().getByRole('listitem').count()).toBe(0)
  })

  test('is told of in the overview once it is certain, and on its own page', { timeout: 60_000 }, async () => {
    load = setInterval(() => void sluice.get('/').catch(() => {}), 1_200)
    const line = attention().getByRole('listitem').filter({ hasText: 'upstream sleepy' })
    await line.waitFor({ timeout: 50_000 })
    await attention().getByRole('heading', { name: 'Needs attention (1)' }).waitFor()
    expect(await line.locator('.badge.warn').textContent()).toBe('keep-alive')
    expect(await line.locator('.muted').textContent()).toMatch(SAID)
    await line.getByRole('link', { name: 'upstream sleepy' }).click()
    const own = page.getByRole('list', { name: 'Needs attention' }).getByRole('listitem')
    await own.waitFor()
    expect((await own.textContent())?.replace('keep-alive', '')).toMatch(SAID)
    expect(errors).toEqual([])
  })

  test('is well again when connections.keepAlive is below its limit', async () => {
    await writeFile(sluice.file, yaml.replace('keepAlive: 1m', 'keepAlive: 200ms'))
    expect((await sluice.command('reload', {})).status).toBe(200)
    await page.getByRole('list', { name: 'Needs attention' }).waitFor({ state: 'hidden' })
    await page.getByRole('link', { name: 'Overview' }).click()
    await attention().getByRole('heading', { name: 'All is well' }).waitFor()
    expect(errors).toEqual([])
  })
})
