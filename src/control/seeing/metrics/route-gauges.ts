import type { AnyFeature, CellReader, Figure } from '../../../core/feature.ts'
import type { LeanRoute } from '../../../core/protocol.ts'
import type { GaugeReading, Gauges } from '../../../core/series.ts'
import { routeUse } from '../../../core/use.ts'

/** What the features of a route count now, by name of the figure. */
export function routeFigures(
  route: LeanRoute,
  features: readonly AnyFeature[],
  look: CellReader,
): Record<string, number | null> {
  const numbers: Record<string, number | null> = {}
  for (const { figures = {}, keys, name } of features) {
    if (keys.route === undefined) continue
    for (const [figure, { of, otherwise }] of Object.entries(figures)) {
      const has = Object.hasOwn(route.features, name)
      numbers[figure] = (has ? of(routeUse(name, route), route.cells.features[name], look) : undefined) ?? otherwise
    }
  }
  return numbers
}

/** Requests in flight, and the figures of features that are metrics. */
export function routeGauges(
  features: readonly AnyFeature[],
  look: CellReader,
  routes: () => readonly LeanRoute[],
): Gauges {
  const figures = features.flatMap((feature) =>
    Object.values(feature.figures ?? {}).flatMap((figure) =>
      figure.metric === undefined ? [] : [[figure.metric, () => readings(feature, figure, look, routes())] as const],
    ),
  )
  return {
    sluice_requests_in_flight: () =>
      routes().map(({ name, cells }) => ({ labels: [name], value: look.sum(cells.inFlight) })),
    ...Object.fromEntries(figures),
  }
}

/** One figure of all routes that have it. */
function* readings(
  { name }: AnyFeature,
  { of }: Figure<unknown, unknown>,
  look: CellReader,
  routes: readonly LeanRoute[],
): Generator<GaugeReading> {
  for (const route of routes) {
    if (!Object.hasOwn(route.features, name)) continue
    const value = of(routeUse(name, route), route.cells.features[name], look)
    if (value !== undefined) yield { labels: [route.name], value }
  }
}
