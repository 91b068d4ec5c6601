import type { PanelSpec } from './model.ts'

/** Matchers of what the variables of the dashboard choose. */
export const JOB = 'job=~"$gateway", instance=~"$instance"'
export const ROUTE = `${JOB}, route=~"$route"`
export const UPSTREAM = `${JOB}, upstream=~"$upstream"`
export const BOTH = `${ROUTE}, upstream=~"$upstream"`

/** `more`: further label matchers. */
export function rate(metric: string, labels: string, more = ''): string {
  return `rate(${metric}{${labels}${more === '' ? '' : `, ${more}`}}[$__rate_interval])`
}

export function quantile(q: number, metric: string, labels: string, by = ''): string {
  return `histogram_quantile(${q}, sum by (le${by === '' ? '' : `, ${by}`}) (${rate(`${metric}_bucket`, labels)}))`
}

export function chart(
  title: string,
  about: string,
  unit: PanelSpec['unit'],
  queries: readonly [string, string][],
): PanelSpec {
  return {
    title,
    about,
    unit,
    type: 'timeseries',
    width: 12,
    queries: queries.map(([expr, legend]) => ({ expr, legend })),
  }
}

export function stat(title: string, about: string, unit: PanelSpec['unit'], expr: string, legend: string): PanelSpec {
  return { title, about, unit, type: 'stat', width: 6, queries: [{ expr, legend }] }
}
