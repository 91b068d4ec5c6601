import { OF_SLUICE, type Unavailable } from '../../core/link.ts'
import { STORE_NAMES, type Store, type StoreName } from '../../core/store.ts'
import type { SendCall, StoreAnswer, StoreCall, StoreCallName } from '../../stores/calls/call.ts'
import { StoreClient } from '../../stores/calls/client.ts'
import { Hints } from '../../stores/calls/hints.ts'
import {
  type FromAnyStore,
  featureUser,
  HINT,
  type StoreHint,
  TO_STORE,
  type ToAnyStore,
} from '../../stores/calls/remote.ts'
import type { WorkerLink } from './worker-link.ts'

/** More than the control plane and the thread of a store take: they say why. */
const DEADLINE_MS = 6000

/** The stores of the gateway, as features in a worker have them: the control plane asks the engines. */
export class WorkerStores {
  private readonly link: Pick<WorkerLink, 'ask'>
  /** Of those who subscribe in this worker. */
  private readonly hints: Readonly<Record<StoreName, Hints>>

  constructor(link: Pick<WorkerLink, 'ask' | 'keep' | 'command'>, failed: (topic: string, error: unknown) => void) {
    this.link = link
    this.hints = Object.fromEntries(STORE_NAMES.map((name) => [name, new Hints(failed)])) as Record<StoreName, Hints>
    link.keep(() =>
      link.command(OF_SLUICE, HINT, ({ hint, store, topic }: StoreHint) => void this.hints[store].publish(topic, hint)),
    )
  }

  of(store: StoreName, feature: string): Store {
    const ask = <A extends FromAnyStore>(value: ToAnyStore): Promise<A | Unavailable> =>
      this.link.ask<A>(feature, { name: TO_STORE, value }, DEADLINE_MS).answer
    const send: SendCall = <K extends StoreCallName>(call: StoreCall<K>) =>
      ask<StoreAnswer<K>>({ store, call: call as StoreCall })
    const hints = {
      publish: (topic: string, hint: string) => ask<true>({ store, topic, hint }),
      subscribe: (topic: string, heard: (hint: string) => void) => this.hints[store].subscribe(topic, heard),
    }
    return new StoreClient(send, hints, featureUser(feature))
  }
}
