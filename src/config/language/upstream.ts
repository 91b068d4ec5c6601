import type { UpstreamKeys } from '../../data/upstreams/options.ts'
import type { WithFeatures } from './features.ts'

/** An upstream, after defaults were merged in. */
export type UpstreamOptions = WithFeatures<UpstreamKeys, 'upstream'>
