import { fieldValue } from '../lib/headers.ts'
import type { Exchange } from './exchange.ts'

/** From the last to be shed to the first. */
export const IMPORTANCES = ['critical', 'high', 'normal', 'low'] as const
/** One of {@link IMPORTANCES}. */
export type Importance = (typeof IMPORTANCES)[number]

/** Of requests whose route states no importance: index in {@link IMPORTANCES}. */
export const NORMAL = 2

/** The field by which a trusted peer states how important a request is, whatever the route says. */
const FIELD = 'sluice-importance'

/** How important a request is: index in {@link IMPORTANCES}, 0 is the most important. */
export function importanceOf(ex: Exchange): number {
  const said = ex.trusted ? IMPORTANCES.indexOf(fieldValue(ex.headers, FIELD) as Importance) : -1
  return said === -1 ? (ex.route?.importance ?? NORMAL) : said
}
