import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config/load.ts'
import { loadDeps } from '../../../src/config/load-deps.ts'
import type { RouteConfig } from '../../../src/core/config.ts'
import { Draft } from '../../../src/tools/import/common/draft.ts'
import { settleDraft } from '../../../src/tools/import/common/settle.ts'
import { importIngress } from '../../../src/tools/import/ingress/import.ts'
import { lookUp, table } from '../../kit/routes.ts'

const FOLDER = fileURLToPath(new URL('./fixtures/', import.meta.url))

async function routesOf(file: string): Promise<readonly RouteConfig[]> {
  const draft = importIngress(file, await readFile(`${FOLDER}${file}`, 'utf8'))
  if (!(draft instanceof Draft)) throw new Error(JSON.stringify(draft))
  const text = await settleDraft(draft, file, 'made')
  const { config } = await loadConfig('a.yaml', { ...loadDeps({}), readFile: async () => Buffer.from(text) })
  return config?.lean.routes ?? []
}

/** Upstreams with their weights, or the status that is answered; undefined: no route. */
function outcome(routes: readonly RouteConfig[], target: string, headers: readonly string[]): string | undefined {
  const [host = '', ...path] = target.split('/')
  const found = table(routes).find(lookUp(`/${path.join('/')}`, { host, headers }), undefined)
  if (found === undefined || !('value' in found)) return undefined
  const route = routes.find(({ name }) => name === found.value) as RouteConfig
  const { redirect, respond } = route.features as Record<string, { status: number } | undefined>
  if (route.to === undefined) return `${(redirect ?? respond)?.status}`
  return route.to
    .map(({ upstream, weight }) => (route.to?.length === 1 ? upstream : `${upstream} ${weight}`))
    .join(', ')
}

describe('routes of an imported Ingress', () => {
  let shop: readonly RouteConfig[]
  let many: readonly RouteConfig[]

  beforeAll(async () => {
    shop = await routesOf('shop.ingress.yaml')
    many = await routesOf('many.ingress.yaml')
  })

  it.each([
    ['shop.example.com/', 'pages 90, pages-next 10'],
    ['shop.example.com/x/y', 'pages 90, pages-next 10'],
    ['shop.example.com/cart', 'cart'],
    ['shop.example.com/cart/x', 'pages 90, pages-next 10'],
    ['shop.example.com/search/x', 'search'],
    ['shop.example.com/api', 'api'],
    ['shop.example.com/api/orders', 'api'],
    ['shop.example.com/apis', 'pages 90, pages-next 10'],
    ['www.shop.example.com/x', '308'],
    ['other.example.com/', undefined],
  ])('shop: %s', (target, expected) => {
    expect(outcome(shop, target, [])).toBe(expected)
  })

  it.each([
    [['X-Canary', 'always'], 'pages-next'],
    [['X-Canary', 'never'], 'pages'],
    [['X-Canary', 'perhaps'], 'pages 90, pages-next 10'],
  ])('a canary by header: %j', (headers, expected) => {
    expect(outcome(shop, 'shop.example.com/', headers)).toBe(expected)
  })

  it.each([
    ['media.example.com/v1/images/a', 'media-images'],
    ['media.example.com/V1/Images/a', 'media-images'],
    ['media.example.com/v1/a', 'media-ab'],
    ['media.example.com/v1/ax', 'media-media'],
    ['media.example.com/', 'media-media'],
    ['x.internal.example.com/admin/x', '403'],
    ['x.internal.example.com/other', '404'],
    ['secure.example.com/app/x', 'back-app'],
    ['www.secure.example.com/app', 'back-app'],
    ['secure.example.com/bucket', '501'],
    ['secure.example.com/', '302'],
    ['secure.example.com/other', '404'],
    ['old.example.com/x', '501'],
    ['elsewhere.org/x', '308'],
  ])('many: %s', (target, expected) => {
    expect(outcome(many, target, [])).toBe(expected)
  })
})
