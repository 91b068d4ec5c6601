import { fieldValue } from '../lib/headers.ts'
import type { Exchange } from './exchange.ts'

/** What is shed last, first. */
export const IMPORTANCES = ['critical', 'high', 'normal', 'low'] as const
export type Importance = (typeof IMPORTANCES)[number]

/** Of requests that no route says anything about: index in {@link IMPORTANCES}. */
export const NORMAL = 2

/** With which a trusted peer says how important a request is, whatever the route says. */
const FIELD = 'sluice-importance'

/** How important a request is: index in {@link IMPORTANCES}, 0 the most. */
export function importanceOf(ex: Exchange): number {
  const said = ex.trusted ? IMPORTANCES.indexOf(fieldValue(ex.headers, FIELD) as Importance) : -1
  return said === -1 ? (ex.route?.importance ?? NORMAL) : said
}
