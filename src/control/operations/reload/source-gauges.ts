import type { ConfigSource } from '../../../config/sources/source.ts'
import type { GaugeReading, Gauges } from '../../../core/series.ts'

/** How the source of configs does, for `/metrics`. */
export function sourceGauges(source: Pick<ConfigSource, 'facts'>): Gauges {
  return {
    sluice_config_source_checked_timestamp_seconds: () => seconds(source.facts?.checkedAt),
    sluice_config_source_read_timestamp_seconds: () => seconds(source.facts?.readAt),
    sluice_config_source_failures_total: () =>
      Object.entries(source.facts?.failures ?? {}).map(([reason, value]) => ({ labels: [reason], value })),
  }
}

function seconds(at: string | undefined): readonly GaugeReading[] {
  return at === undefined ? [] : [{ labels: [], value: Date.parse(at) / 1000 }]
}
