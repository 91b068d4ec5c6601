import { collectDefaultMetrics, Registry } from 'prom-client'
import { type Family, type Labels, labelText, type Series, simpleSeries } from './exposition.ts'

/** Gauges with the name of a counter: promtool objects, and those without `_total` say the same by type. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

interface Measured {
  readonly name: string
  readonly help: string
  readonly type: unknown
  readonly values: readonly { labels: Partial<Record<string, string | number>>; value: number; metricName?: string }[]
}

/** What prom-client measures of the process and of its main thread. The only file that knows it. */
export class ProcessMetrics {
  private readonly registry = new Registry()

  constructor() {
    collectDefaultMetrics({ register: this.registry })
    for (const name of MISNAMED) this.registry.removeSingleMetric(name)
  }

  /** As they are now. */
  async families(): Promise<readonly Family[]> {
    return (await this.registry.getMetricsAsJSON()).map(familyOf)
  }
}

function familyOf({ help, name, type, values }: Measured): Family {
  const kind = String(type)
  const series = (): Series[] => {
    if (kind !== 'histogram')
      return values.map(({ labels, value }) => simpleSeries(labels as Labels, labelText(labels as Labels), value))
    const lines = values.map(({ labels, metricName = name, value }) => ({
      suffix: metricName.slice(name.length),
      labels: labelText(labels as Labels),
      value,
      exemplar: undefined,
    }))
    return [{ labels: {}, value: undefined, lines }]
  }
  return { name, help, kind, series }
}
