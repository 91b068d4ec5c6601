import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type HookedGateway, hookedGateway, pluggedIn } from '../../kit/gateway.ts'
import { launch, openPage, withoutBrowser } from '../dashboard/kit/browser.ts'
import { started } from './toy/control.ts'
import toy from './toy/feature.ts'

const url = new URL('./toy/feature.ts', import.meta.url).href

describe.skipIf(withoutBrowser)('a feed that cannot be loaded, on the dashboard', () => {
  let gateway: HookedGateway
  let browser: Browser
  let page: Page
  let errors: string[]

  beforeAll(async () => {
    started.expect = () => started.context?.feed<string>('greeting').publish('hello')
    gateway = await hookedGateway(
      `
workers: 1
listeners: { web: { listen: 127.0.0.1:0 } }
admin: { listen: 127.0.0.1:0 }
probes: { listen: 127.0.0.1:0 }
upstreams: {}
routes: { all: { match: { path: /* }, respond: { status: 200 }, toy: { feed: greeting, ask: path } } }
`,
      pluggedIn(toy, 'toy', url),
    )
    browser = await launch()
    ;({ errors, page } = await openPage(browser, `http://127.0.0.1:${gateway.facts.admin.port}/dashboard/`))
  })

  afterAll(async () => {
    await browser?.close()
    await gateway?.stop()
  })

  const attention = () => page.getByRole('region', { name: 'Needs attention' })

  test('needs attention, and no longer when it is loaded again', async () => {
    await attention().getByRole('heading', { name: 'All is well' }).waitFor()
    started.context?.feed('greeting').failed(new Error('the server is down'))
    const line = attention().getByRole('listitem').filter({ hasText: 'feed toy' })
    await line.waitFor()
    expect(await line.locator('.badge.bad').textContent()).toBe('stale')
    expect(await line.locator('.muted').textContent()).toContain('the server is down')
    // It has no page of its own.
    expect(await line.getByRole('link').count()).toBe(0)
    started.context?.feed<string>('greeting').publish('hello again')
    await attention().getByRole('heading', { name: 'All is well' }).waitFor()
    expect(errors).toEqual([])
  })
})
