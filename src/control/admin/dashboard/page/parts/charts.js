import { h } from '../lib/dom.js'
import { count, ms, rate } from '../lib/format.js'
import { Series } from '../live/series.js'
import { Chart } from './chart.js'

const perSecond = (value) => `${rate(value)}/s`
const LATENCY = [
  { field: 'p50', label: 'p50', tint: 'a' },
  { field: 'p95', label: 'p95', tint: 'b' },
  { field: 'p99', label: 'p99', tint: 'c' },
]

export const TRAFFIC = {
  title: 'Answers by status',
  lines: ['2xx', '3xx', '4xx', '5xx'].map((field) => ({ field, label: field, tint: field })),
  format: perSecond,
  stacked: true,
}
export const ROUTE_LATENCY = { title: 'Latency', lines: LATENCY, format: ms }
export const LOAD = {
  title: 'In flight and waiting',
  lines: [
    { field: 'inFlight', label: 'in flight', tint: 'a' },
    { field: 'queued', label: 'in the queue', tint: 'c' },
    { field: 'streams', label: 'streams', tint: 'b' },
  ],
  format: count,
  whole: true,
}
export const HELP = {
  title: 'Retries and refusals',
  lines: [
    { field: 'retries', label: 'retries', tint: 'a' },
    { field: 'degraded', label: 'fallbacks', tint: 'b' },
    { field: 'rejected', label: 'refused', tint: '5xx' },
  ],
  format: perSecond,
}
export const ATTEMPTS = {
  title: 'Attempts',
  lines: [
    { field: 'attempts', label: 'attempts', tint: 'a' },
    { field: 'failures', label: 'failed', tint: '5xx' },
    { field: 'budgetExhausted', label: 'over the retry budget', tint: 'b' },
  ],
  format: perSecond,
}
export const ATTEMPT_LATENCY = { title: 'Latency of attempts', lines: LATENCY, format: ms }
export const CONNECTIONS = {
  title: 'In flight and connections',
  lines: [
    { field: 'inFlight', label: 'attempts in flight', tint: 'a' },
    { field: 'connections', label: 'connections', tint: 'b' },
  ],
  format: count,
  whole: true,
}
export const USABLE = {
  title: 'Endpoints',
  lines: [
    { field: 'usable', label: 'usable', tint: 'a' },
    { field: 'endpoints', label: 'all', tint: '3xx' },
  ],
  format: count,
  whole: true,
}

/** The charts of a page: one series, painted together. */
export class Charts {
  /**
   * @param {{ api: import('../live/api.js').Api, state: import('../live/state.js').State }} of
   * @param {string} query see Series
   * @param {() => readonly (number | null)[] | undefined} row of the series, now
   * @param {readonly any[]} kinds
   */
  constructor({ api, state }, query, row, kinds) {
    this.state = state
    this.row = row
    this.series = new Series(api, query)
    this.charts = kinds.map((kind) => new Chart(kind))
    this.element = h(
      'div',
      { class: 'columns' },
      this.charts.map(({ element }) => element),
    )
    this.loading = this.reload()
  }

  /** After a reconnect, too; without an answer the charts go on with what comes. */
  async reload() {
    await this.series.load().catch(() => {})
    if (!this.state.empty) this.update()
  }

  tick() {
    this.series.add(this.state.now.at, this.row())
  }

  update() {
    const marks = this.state.marks()
    for (const chart of this.charts) chart.update(this.series, marks)
  }

  repaint() {
    for (const chart of this.charts) chart.repaint()
  }

  close() {
    for (const chart of this.charts) chart.close()
  }
}
