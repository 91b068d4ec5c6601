import type { Balancer, BalancerCandidate } from '../../core/balancer.ts'
import { mix32, murmur3 } from '../../lib/hash.ts'
import type { Random } from '../../lib/random.ts'

/** Groups of keys. More would separate clients better and take more memory. */
const SHARDS = 4096

/**
 * Shuffle sharding in front of any algorithm: each key sees a fixed set of `size` candidates, so that a client that breaks
 * the candidates it reaches cannot break all. Sets are chosen by the greatest hashes of shard and candidate, so that few
 * change when one comes or goes. Requests without a key share a set that is drawn for each. Sources: C. MacCárthaigh,
 * "Workload isolation using shuffle-sharding" (Amazon Builders' Library); D. Thaler, C. Ravishankar, "Using Name-Based
 * Mappings to Increase Hit Rates" (IEEE/ACM Transactions on Networking 6(1), 1998; rendezvous hashing).
 */
export class ShuffleSharding<C extends BalancerCandidate> implements Balancer<C> {
  private readonly size: number
  private readonly random: Random
  private readonly create: () => Balancer<C>
  private candidates: readonly { readonly candidate: C; readonly hash: number }[] = []
  /** Made at first use. */
  private shards = new Map<number, Balancer<C>>()

  constructor(size: number, random: Random, create: () => Balancer<C>) {
    this.size = size
    this.random = random
    this.create = create
  }

  update(candidates: readonly C[]): void {
    this.candidates = candidates.map((candidate) => ({ candidate, hash: murmur3(candidate.id) }))
    for (const [number, shard] of this.shards) shard.update(this.members(number))
  }

  pick(excluded: readonly C[], key: number = this.random.uint32()): C | undefined {
    const number = key % SHARDS
    let shard = this.shards.get(number)
    if (shard === undefined) {
      shard = this.create()
      shard.update(this.members(number))
      this.shards.set(number, shard)
    }
    return shard.pick(excluded, key)
  }

  private members(shard: number): readonly C[] {
    return this.candidates
      .map(({ candidate, hash }) => ({ candidate, score: mix32(hash ^ mix32(shard + 1)) }))
      .sort((a, b) => b.score - a.score)
      .slice(0, this.size)
      .map(({ candidate }) => candidate)
  }
}
