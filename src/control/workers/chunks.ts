import type { UpstreamConfig } from '../../core/config.ts'
import type { LeanRoute, ToWorker, UpstreamEndpoints } from '../../core/protocol.ts'

type Chunk = Extract<ToWorker, { type: 'chunk' }>

/** A larger clone stalls a worker's loop for too long. */
const MAX_ENTRIES = 200

/**
 * Cuts a config into chunks of at most 200 entries: upstreams, addresses and routes, in this order, since names must be
 * known before they are used. An upstream stays whole; one with more addresses than that is a chunk of its own.
 */
export function* chunksOf(
  generation: number,
  upstreams: readonly UpstreamConfig[],
  endpoints: ReadonlyMap<string, UpstreamEndpoints>,
  routes: readonly LeanRoute[],
): Generator<Chunk> {
  let chunk = empty(generation)
  let entries = 0
  for (const upstream of upstreams) {
    const set = endpoints.get(upstream.name) as UpstreamEndpoints
    const weight = 1 + set.endpoints.length
    if (entries > 0 && entries + weight > MAX_ENTRIES) {
      yield chunk
      chunk = empty(generation)
      entries = 0
    }
    chunk.upstreams.push(upstream)
    chunk.endpoints.push(set)
    entries += weight
  }
  for (const route of routes) {
    if (entries >= MAX_ENTRIES) {
      yield chunk
      chunk = empty(generation)
      entries = 0
    }
    chunk.routes.push(route)
    entries++
  }
  yield { ...chunk, last: true }
}

function empty(generation: number): Chunk & {
  upstreams: UpstreamConfig[]
  endpoints: UpstreamEndpoints[]
  routes: LeanRoute[]
} {
  return { type: 'chunk', generation, upstreams: [], endpoints: [], routes: [], last: false }
}
