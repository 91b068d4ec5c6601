import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './image.ts'

interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly datasource?: { readonly uid: string }
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: readonly {
    readonly expr: string
    readonly legendFormat: string
    readonly datasource: { readonly uid: string }
  }[]
}

export interface Dashboard {
  readonly uid: string
  readonly schemaVersion: number
  readonly panels: readonly Panel[]
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly definition?: string }[]
  }
  readonly annotations: { readonly list: readonly { readonly expr: string }[] }
}

/** One query of a panel as Grafana sends it. */
export interface PanelQuery {
  readonly title: string
  readonly expr: string
  /** How its series are called. */
  readonly legend: string
}

/** The dashboard that is shipped, as text. */
export const GRAFANA_JSON: string = readFileSync(join(ROOT, 'config/grafana/sluice.json'), 'utf8')

const dashboard = JSON.parse(GRAFANA_JSON) as Dashboard

/** With everything selected. `rateInterval`: what Grafana would work out for a panel's step. */
export function filledIn(expr: string, rateInterval = '1m'): string {
  const names = dashboard.templating.list.map(({ name }) => name)
  return expr.replaceAll('$__rate_interval', rateInterval).replace(/\$(\w+)/g, (_, name: string) => {
    if (!names.includes(name)) throw new Error(`${expr}: there is no variable ${name}`)
    return '.*'
  })
}

export function grafanaQueries(rateInterval: string): PanelQuery[] {
  return dashboard.panels.flatMap(({ targets = [], title }) =>
    targets.map(({ expr, legendFormat }) => ({ title, expr: filledIn(expr, rateInterval), legend: legendFormat })),
  )
}

/** The variables that are filled from a label of the series that a selector finds. */
export function grafanaVariables(): { readonly name: string; readonly selector: string; readonly label: string }[] {
  return dashboard.templating.list.flatMap(({ definition, name }) => {
    const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(definition ?? '') ?? []
    return selector === '' ? [] : [{ name, selector: filledIn(selector), label }]
  })
}

/** What says when a mark is to be drawn, in milliseconds since the epoch. */
export function grafanaMarks(): string[] {
  return dashboard.annotations.list.map(({ expr }) => filledIn(expr))
}
