import { count, percent, rate } from '../lib/format.js'
import { Table } from './table.js'

const AGAIN_MS = 10_000
/** Less of the error budget than this is left: time to be careful. */
const LITTLE = 0.25

/** The objectives of routes and what is left of their error budgets; hidden where no route states any. */
export class Objectives {
  /**
   * @param {import('../live/api.js').Api} api
   * @param {string} [route] only of this one
   */
  constructor(api, route) {
    this.api = api
    this.route = route
    this.table = new Table(objectiveTable())
    this.element = this.table.element
    this.element.hidden = true
    void this.load()
  }

  async load() {
    this.loadedAt = performance.now()
    try {
      const { objectives } = await this.api.get('slo')
      const own = objectives.filter(({ route }) => this.route === undefined || route === this.route)
      this.element.hidden = own.length === 0
      this.table.update(own)
    } catch {
      // What is shown stays; that the gateway does not answer is said elsewhere.
    }
  }

  /** Asks again once in a while. */
  tick() {
    if (performance.now() - (this.loadedAt ?? 0) > AGAIN_MS) void this.load()
  }
}

function objectiveTable() {
  const tone = ({ budgetRemaining }) => (budgetRemaining <= 0 ? 'bad' : budgetRemaining < LITTLE ? 'warn' : '')
  // Minus thousands of percent would mean little to a reader.
  const left = ({ budgetRemaining }) =>
    budgetRemaining < 0 ? `spent ${rate(1 - budgetRemaining)} times` : percent(budgetRemaining)
  const sign = (row) => ({ bad: '✕ ', warn: '▲ ' })[tone(row)] ?? ''
  return {
    title: 'Objectives',
    caption: 'Of what this gateway has seen since its start, 30 days at most.',
    key: ({ objective, route }) => `${route} ${objective}`,
    sort: 4,
    descending: false,
    empty: 'No route states an objective.',
    columns: [
      { label: 'Route', text: ({ route }) => route, href: ({ route }) => `#/route/${encodeURIComponent(route)}` },
      {
        label: 'Objective',
        text: ({ objective, target, threshold }) =>
          `${exact(target)} ${threshold === undefined ? objective : `within ${threshold}`}`,
      },
      { label: 'Requests', num: true, text: ({ total }) => count(total), value: ({ total }) => total },
      {
        label: 'Good',
        num: true,
        text: ({ good, total }) => (total === 0 ? '–' : exact(good / total)),
        value: ({ good, total }) => good / Math.max(1, total),
      },
      {
        label: 'Error budget left',
        num: true,
        text: (row) => sign(row) + left(row),
        value: ({ budgetRemaining }) => budgetRemaining,
        tone,
      },
    ],
  }
}

/** Where the third nine counts. */
function exact(share) {
  return `${Number((Math.floor(share * 100_000) / 1000).toFixed(3))} %`
}
