type Labels = Readonly<Record<string, string>>

interface Series {
  readonly labels: Labels
  readonly value: number
}

/** One scrape in the text format of Prometheus. `rename`: what the values of labels are called here. */
export class Metrics {
  private readonly series = new Map<string, Series[]>()

  constructor(text: string, rename: (label: string, value: string) => string = (_, value) => value) {
    for (const line of text.split('\n')) {
      const [, name, inner = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
      if (name === undefined) continue
      const pairs = [...inner.matchAll(/(\w+)="([^"]*)"/g)]
      const labels = Object.fromEntries(pairs.map(([, label = '', of = '']) => [label, rename(label, of)]))
      const list = this.series.get(name) ?? []
      list.push({ labels, value: Number(value) })
      this.series.set(name, list)
    }
  }

  /** Sum of the series of a metric that have these labels; 0 when there is none. */
  sum(name: string, labels: Labels = {}): number {
    let sum = 0
    for (const series of this.series.get(name) ?? []) {
      if (Object.entries(labels).every(([key, value]) => series.labels[key] === value)) sum += series.value
    }
    return sum
  }
}
