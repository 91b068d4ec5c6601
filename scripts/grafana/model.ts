/** The part of Grafana's classic dashboard model that ours uses. */

export type Unit = 'reqps' | 'ops' | 'percentunit' | 's' | 'short' | 'bytes' | 'none' | 'bool'

/** One query of a panel and how its series are called. */
export interface Query {
  readonly expr: string
  /** Such as `{{route}}`; empty: Grafana's own. */
  readonly legend: string
}

/** What a panel shows; where it stands is worked out. */
export interface PanelSpec {
  readonly title: string
  readonly about: string
  readonly type: 'timeseries' | 'stat' | 'bargauge' | 'state-timeline' | 'heatmap'
  readonly unit: Unit
  readonly queries: readonly Query[]
  /** Of 24. */
  readonly width: 6 | 8 | 12
  /** Series stand on top of each other. */
  readonly stacked?: boolean
  /** From which value on it is bad; below where `lowIsBad`. */
  readonly bad?: number
  readonly lowIsBad?: boolean
  /** Texts for values. */
  readonly values?: Readonly<Record<number, { readonly text: string; readonly color: string }>>
}

export interface RowSpec {
  readonly title: string
  readonly panels: readonly PanelSpec[]
}

const HEIGHT = 8
const SOURCE = { type: 'prometheus', uid: '$datasource' }

/** A panel in Grafana's shape. `id`: unique in the dashboard. */
export function panel(spec: PanelSpec, id: number, x: number, y: number): object {
  return {
    id,
    type: spec.type,
    title: spec.title,
    description: spec.about,
    datasource: SOURCE,
    gridPos: { x, y, w: spec.width, h: HEIGHT },
    targets: spec.queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(65 + i),
      datasource: SOURCE,
      expr,
      legendFormat: legend === '' ? '__auto' : legend,
      ...(spec.type === 'heatmap' && { format: 'heatmap' }),
      ...((spec.type === 'stat' || spec.type === 'bargauge') && { instant: true }),
    })),
    fieldConfig: { defaults: defaults(spec), overrides: [] },
    options: options(spec),
  }
}

/** Rows of panels from the top, each panel right of the one before as long as there is room. */
export function layout(rows: readonly RowSpec[]): object[] {
  const out: object[] = []
  let y = 0
  for (const { panels, title } of rows) {
    out.push({
      id: out.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    })
    y++
    let x = 0
    for (const spec of panels) {
      if (x + spec.width > 24) {
        x = 0
        y += HEIGHT
      }
      out.push(panel(spec, out.length + 1, x, y))
      x += spec.width
    }
    y += HEIGHT
  }
  return out
}

function defaults({ bad, lowIsBad, stacked, type, unit, values }: PanelSpec): object {
  const [low, high] = lowIsBad === true ? ['red', 'green'] : ['green', 'red']
  const steps = [{ color: low, value: null }, ...(bad === undefined ? [] : [{ color: high, value: bad }])]
  return {
    unit,
    // A budget may be overspent.
    ...(unit !== 'none' && lowIsBad !== true && { min: 0 }),
    thresholds: { mode: 'absolute', steps },
    ...(values !== undefined && { mappings: [{ type: 'value', options: values }] }),
    ...(type === 'timeseries' && {
      custom: {
        fillOpacity: stacked === true ? 30 : 5,
        showPoints: 'never',
        stacking: { mode: stacked === true ? 'normal' : 'none' },
        thresholdsStyle: { mode: bad === undefined ? 'off' : 'dashed' },
      },
    }),
  }
}

function options({ type }: PanelSpec): object {
  switch (type) {
    case 'timeseries':
      return {
        legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'] },
        tooltip: { mode: 'multi', sort: 'desc' },
      }
    case 'heatmap':
      return { yAxis: { unit: 's' }, color: { mode: 'scheme', scheme: 'Oranges' }, calculate: false }
    case 'state-timeline':
      return { mergeValues: true, showValue: 'auto', legend: { displayMode: 'list', placement: 'bottom' } }
    case 'stat':
      return { reduceOptions: { calcs: ['lastNotNull'] }, colorMode: 'value', graphMode: 'area', textMode: 'auto' }
    case 'bargauge':
      return { reduceOptions: { calcs: ['lastNotNull'] }, displayMode: 'basic', orientation: 'horizontal' }
  }
}
