import { networkInterfaces } from 'node:os'
import type { Log } from '../../../lib/log.ts'
import type { Located } from './addresses.ts'
import { isOwn, type OwnAddress } from './own.ts'

/** Keeps addresses of the control plane out of upstreams, and logs each once. */
export class OwnEndpoints {
  private readonly own: () => readonly OwnAddress[]
  private readonly log: Pick<Log, 'error'>
  private readonly refused = new Set<string>()

  constructor(own: () => readonly OwnAddress[], log: Pick<Log, 'error'>) {
    this.own = own
    this.log = log
  }

  refuses(upstream: string, { address, config, id }: Located): boolean {
    if (!isOwn(address, config.port, this.own(), interfaceAddresses)) return false
    if (!this.refused.has(`${upstream} ${id}`)) {
      this.refused.add(`${upstream} ${id}`)
      this.log.error("an endpoint is this gateway's own admin or probe address and is not used", {
        upstream,
        endpoint: id,
      })
    }
    return true
  }
}

function interfaceAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address))
}
