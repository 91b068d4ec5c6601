import { defineFeature } from '../../core/feature.ts'
import type { MetricTable } from '../../core/metric.ts'
import { dnsSource } from './dns.ts'
import { fileSource } from './file.ts'

const metrics = {
  sluice_discovery_refreshes_total: {
    kind: 'counter',
    help: 'Discovery of endpoints by dns or file, by result: ok or failed; after a failed one the last known endpoints stay.',
    labels: ['upstream', 'result'],
  },
} as const satisfies MetricTable

export type DiscoveryMetrics = typeof metrics

export const discovery = defineFeature({
  name: 'discovery',
  doc: 'Endpoints that are found while the gateway runs, in DNS or in a file.',
  keys: {},
  metrics,
  provides: { sources: [dnsSource, fileSource] },
  control: () => import('./control.ts'),
})
