import { createRequire } from 'node:module'
import type { collectDefaultMetrics, Registry } from 'prom-client'
import { type Family, type Labels, labelText, type Series, simple } from './exposition.ts'

/** Gauges with the name of a counter: promtool objects, and those without `_total` show the same by type. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total']

/** CPU, memory, event loop and garbage collection of this process, by prom-client. */
export function processMetrics(): Registry {
  // Its main file loads pushing and clusters as well, with node:https, node:zlib and node:cluster: 6 MiB.
  const load = createRequire(import.meta.url)
  const register: Registry = new (load('prom-client/lib/registry.js'))()
  const collect: typeof collectDefaultMetrics = load('prom-client/lib/defaultMetrics.js')
  collect({ register })
  for (const name of MISNAMED) register.removeSingleMetric(name)
  return register
}

interface ProcessMetric {
  readonly name: string
  readonly help: string
  readonly type: unknown
  readonly values: readonly { labels: Partial<Record<string, string | number>>; value: number; metricName?: string }[]
}

/** What prom-client measures. */
export function ofProcess({ help, name, type, values }: ProcessMetric): Family {
  const kind = String(type)
  const series = (): Series[] => {
    if (kind !== 'histogram')
      return values.map(({ labels, value }) => simple(labels as Labels, labelText(labels as Labels), value))
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
