import type { FedValue, Feed } from '../../core/link.ts'

/** A feed as its worker keeps it. */
export class KeptFeed<T = unknown> implements Feed<T> {
  readonly feature: string
  readonly name: string
  value: T | undefined = undefined
  version = 0
  /** Throws where `changed` may not be called. */
  private readonly check: () => void
  private readonly listeners: (() => void)[] = []

  constructor(feature: string, name: string, check: () => void) {
    this.feature = feature
    this.name = name
    this.check = check
  }

  changed(f: () => void): void {
    this.check()
    this.listeners.push(f)
  }

  /** False: it has a later one. */
  take({ value, version }: FedValue): boolean {
    if (version <= this.version) return false
    this.version = version
    this.value = value as T
    return true
  }

  /** Calls those who listen; what one of them throws goes to `fault`. */
  tell(fault: (error: unknown) => void): void {
    for (const listener of this.listeners) {
      try {
        listener()
      } catch (error) {
        fault(error)
      }
    }
  }
}
