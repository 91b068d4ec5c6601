import type { LeanConfig } from '../../core/config.ts'
import type { ConfigHead, FromWorker, LeanRoute, UpstreamEndpoints } from '../../core/protocol.ts'
import type { Clock } from '../../lib/clock.ts'
import { chunksOf } from './chunks.ts'
import type { Gear } from './crew-options.ts'
import type { RunningWorker } from './running-worker.ts'

/** All workers together have this long to prepare, and again to commit. */
export const SWAP_MS = 5_000
/** The same for a worker that serves nothing yet: only a start waits for it, which a busy machine makes slow. */
export const FIRST_MS = 30_000

/** A config generation on its way to the workers, with its cells. */
export interface Rollout extends Gear {
  readonly generation: number
  readonly hash: string
  readonly lean: LeanConfig
  /** See `ConfigHead`. */
  readonly cells: ConfigHead['cells']
  readonly routes: readonly LeanRoute[]
  /** Milliseconds that exchanges on changed routes have left. */
  readonly cutAfter: number
  /** By upstream; replaced as names resolve to other addresses. */
  readonly endpoints: Map<string, UpstreamEndpoints>
}

/** A worker cannot run this config. */
export class ConfigRefused extends Error {}

/**
 * First phase with one worker: all is compiled, nothing has changed yet. Returns the feeds that did not come in time, by
 * feature and name.
 */
export async function prepare(
  thread: RunningWorker,
  rollout: Rollout,
  clock: Clock,
  mostMs: number,
): Promise<readonly string[]> {
  const { generation, lean, routes, endpoints } = rollout
  const deadline = clock.now() + mostMs
  const left = (): number => Math.max(0, deadline - clock.now())
  let answer = await thread.ask({ type: 'prepare', head: headOf(rollout) }, left(), expecting('ack', generation))
  for (const chunk of chunksOf(generation, lean.upstreams, endpoints, routes)) {
    answer = await thread.ask(chunk, left(), expecting(chunk.last ? 'prepared' : 'ack', generation))
  }
  return answer.type === 'prepared' ? answer.without : []
}

/** Second phase: requests that begin from now on run on it. */
export async function commit(thread: RunningWorker, { generation, cutAfter }: Rollout, mostMs: number): Promise<void> {
  await thread.ask({ type: 'commit', generation, cutAfter }, mostMs, expecting('committed', generation))
}

function headOf({ cells, generation, hash, lean }: Rollout): ConfigHead {
  const { upstreams, routes, ...rest } = lean
  return { ...rest, generation, hash, cells, upstreams: upstreams.length, routes: routes.length }
}

function expecting(type: 'ack' | 'prepared' | 'committed', generation: number) {
  return (message: FromWorker): FromWorker | undefined => {
    if (!('generation' in message) || message.generation !== generation) return undefined
    if (message.type === 'refused') throw new ConfigRefused(message.message)
    return message.type === type ? message : undefined
  }
}
