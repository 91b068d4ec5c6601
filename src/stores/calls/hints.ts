import type { Log } from '../../lib/log.ts'
import type { HintCarrier } from './client.ts'

type Heard = (hint: string) => void

/** Hints between users of a store that one thread serves. */
export class Hints implements HintCarrier {
  private readonly topics = new Map<string, Set<{ readonly heard: Heard }>>()
  private readonly log: Pick<Log, 'error'>

  constructor(log: Pick<Log, 'error'>) {
    this.log = log
  }

  async publish(topic: string, hint: string): Promise<true> {
    for (const { heard } of [...(this.topics.get(topic) ?? [])]) {
      try {
        heard(hint)
      } catch (error) {
        this.log.error('bug: a subscriber of a store failed', { topic, error })
      }
    }
    return true
  }

  subscribe(topic: string, heard: Heard): () => void {
    const subscribers = this.topics.get(topic) ?? new Set()
    this.topics.set(topic, subscribers)
    // An object of its own: the same function may be there twice.
    const subscription = { heard }
    subscribers.add(subscription)
    return () => {
      subscribers.delete(subscription)
      if (subscribers.size === 0 && this.topics.get(topic) === subscribers) this.topics.delete(topic)
    }
  }
}
