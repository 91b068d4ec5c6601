import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { balancersPage, balancersPicture, results } from './balancers/page.ts'

/** Where they go, relative to the project. */
export const PAGE = 'docs/load-balancing.md'
export const PICTURE = 'docs/images/load-balancing.svg'

/** Both texts, simulated anew. */
export function balancers(): { readonly page: string; readonly picture: string } {
  const found = results()
  return { page: balancersPage(found), picture: balancersPicture(found) }
}

if (import.meta.main) {
  const top = new URL('../', import.meta.url)
  const { page, picture } = balancers()
  mkdirSync(fileURLToPath(new URL('docs/images/', top)), { recursive: true })
  writeFileSync(fileURLToPath(new URL(PAGE, top)), page)
  writeFileSync(fileURLToPath(new URL(PICTURE, top)), picture)
}
