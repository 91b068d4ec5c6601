/**
 * Whether so few endpoints are healthy that all are used: better slow or failing answers from some than none from those
 * that the rest of the load would break. Draining endpoints count on neither side. Source: Envoy's panic threshold.
 *
 * @param threshold share of 1; 0: never
 */
export function inPanic(healthy: number, all: number, threshold: number): boolean {
  return all > 0 && healthy < threshold * all
}
