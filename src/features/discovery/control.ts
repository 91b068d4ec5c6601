import type { ControlContext, ControlFeature, ControlHalf } from '../../core/control-feature.ts'
import type { FindContext, Finder } from '../../core/endpoint-source.ts'
import { findInDns } from './control/dns.ts'
import { findInFile } from './control/file.ts'
import type { DnsSourceOptions } from './dns.ts'
import type { DiscoveryMetrics } from './feature.ts'
import type { FileSourceOptions } from './file.ts'

/** Counts what its sources find. */
function half({ metrics }: ControlContext<unknown, unknown, DiscoveryMetrics>): ControlHalf {
  const counted = ({ upstream }: FindContext, finder: Finder): Finder => ({
    ...finder,
    looked: (ok) => metrics.counter('sluice_discovery_refreshes_total', [upstream, ok ? 'ok' : 'failed']).inc(),
  })
  return {
    sources: {
      dns: (options: DnsSourceOptions, context) => counted(context, findInDns(options, context)),
      file: (options: FileSourceOptions, context) => counted(context, findInFile(options, context)),
    },
    close() {},
  }
}

export const control: ControlFeature<unknown, unknown, DiscoveryMetrics> = { start: half }
