interface Event<T> {
  readonly at: number
  readonly order: number
  readonly what: T
}

/** What happens when, in order of time, then of being added: a binary heap. */
export class Agenda<T> {
  private readonly heap: Event<T>[] = []
  private added = 0

  add(at: number, what: T): void {
    const { heap } = this
    heap.push({ at, order: this.added++, what })
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1
      if (!this.before(i, parent)) return
      this.swap(i, parent)
      i = parent
    }
  }

  next(): { readonly at: number; readonly what: T } | undefined {
    const { heap } = this
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    heap[0] = last
    for (let i = 0; ; ) {
      let least = i
      for (const child of [2 * i + 1, 2 * i + 2]) if (child < heap.length && this.before(child, least)) least = child
      if (least === i) return first
      this.swap(i, least)
      i = least
    }
  }

  private before(a: number, b: number): boolean {
    const [one, other] = [this.heap[a] as Event<T>, this.heap[b] as Event<T>]
    return one.at === other.at ? one.order < other.order : one.at < other.at
  }

  private swap(a: number, b: number): void {
    const { heap } = this
    const one = heap[a] as Event<T>
    heap[a] = heap[b] as Event<T>
    heap[b] = one
  }
}
