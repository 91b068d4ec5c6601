import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { balancersPage, balancersPicture, results } from './balancers/page.ts'

/** Where they go, relative to the project. */
export const PAGE = 'docs/features/balancers.md'
export const PICTURE = 'docs/images/load-balancing.svg'

/** Both texts, simulated anew. `page`: as it is. */
export function balancers(page: string): { readonly page: string; readonly picture: string } {
  const found = results()
  return { page: balancersPage(page, found), picture: balancersPicture(found) }
}

if (import.meta.main) {
  const top = new URL('../', import.meta.url)
  const file = fileURLToPath(new URL(PAGE, top))
  const { page, picture } = balancers(readFileSync(file, 'utf8'))
  writeFileSync(file, page)
  writeFileSync(fileURLToPath(new URL(PICTURE, top)), picture)
}
