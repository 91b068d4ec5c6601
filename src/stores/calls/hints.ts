import type { HintCarrier } from './client.ts'

type Heard = (hint: string) => void

/** Hints between users of a store that one thread serves. */
export class Hints implements HintCarrier {
  private readonly topics = new Map<string, Set<{ readonly heard: Heard }>>()
  private readonly followers: ((topic: string, hint: string) => void)[] = []
  private readonly failed: (topic: string, error: unknown) => void

  /** `failed`: a subscriber threw. */
  constructor(failed: (topic: string, error: unknown) => void) {
    this.failed = failed
  }

  /** Calls `tell` for each hint of any topic. */
  follow(tell: (topic: string, hint: string) => void): void {
    this.followers.push(tell)
  }

  async publish(topic: string, hint: string): Promise<true> {
    for (const tell of this.followers) tell(topic, hint)
    for (const { heard } of [...(this.topics.get(topic) ?? [])]) {
      try {
        heard(hint)
      } catch (error) {
        this.failed(topic, error)
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
