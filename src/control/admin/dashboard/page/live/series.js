const SHOWN_MS = 15 * 60_000
/** Longer without a point: the gateway was not asked. */
const GAP_MS = 12_000

/** The latest 15 minutes of one row: the gateway's history, and what is told meanwhile. Own points stay over a restart. */
export class Series {
  /**
   * @param {import('./api.js').Api} api
   * @param {string} query `?route=…`, `?upstream=…` or empty
   */
  constructor(api, query) {
    this.api = api
    this.query = query
    /** @type {readonly string[]} */
    this.fields = []
    /** @type {any[][]} oldest first; the first value is the time */
    this.points = []
  }

  /** Asks for the history: at first, and after each reconnect. */
  async load() {
    const { fields, points } = await this.api.get(`events/history${this.query}`)
    this.fields = fields
    const from = points[0]?.[0] ?? Number.POSITIVE_INFINITY
    const to = points.at(-1)?.[0] ?? 0
    this.points = [
      ...this.points.filter(([at]) => at < from),
      ...points,
      ...this.points.filter(([at]) => at > Math.max(to, from)),
    ]
  }

  /**
   * @param {number} at
   * @param {readonly (number | null)[] | undefined} row
   */
  add(at, row) {
    if (row === undefined || at <= (this.points.at(-1)?.[0] ?? 0)) return
    this.points.push([at, ...row])
    while (this.points.length > 0 && this.points[0][0] < at - SHOWN_MS) this.points.shift()
  }

  /**
   * Columns for a chart: times in seconds, then each field; gaps are null.
   * @param {readonly string[]} names
   */
  columns(names) {
    const index = names.map((name) => this.fields.indexOf(name) + 1)
    const columns = [[], ...names.map(() => [])]
    let before = Number.POSITIVE_INFINITY
    for (const point of this.points) {
      if (point[0] - before > GAP_MS) push(columns, (before + point[0]) / 2000, () => null)
      push(columns, point[0] / 1000, (i) => point[index[i]] ?? null)
      before = point[0]
    }
    return columns
  }
}

/**
 * @param {any[][]} columns
 * @param {number} at
 * @param {(i: number) => number | null} value
 */
function push(columns, at, value) {
  columns[0].push(at)
  for (let i = 1; i < columns.length; i++) columns[i].push(value(i - 1))
}
