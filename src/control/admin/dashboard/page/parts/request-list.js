import { h } from '../lib/dom.js'
import { dayTime, ms, NOTHING } from '../lib/format.js'
import { Table } from './table.js'

const AGAIN_MS = 5_000

/** The latest failed and slow requests that fit a question. */
export class RequestList {
  /**
   * @param {import('../live/api.js').Api} api
   * @param {URLSearchParams} question see `GET /api/v1/requests`
   * @param {string} title
   * @param {string} empty what is said where there is none
   */
  constructor(api, question, title, empty) {
    this.api = api
    this.question = question
    this.table = new Table(requestTable(title, empty))
    this.problem = h('p', { class: 'empty', role: 'status', hidden: true })
    this.element = h('div', {}, this.problem, this.table.element)
    void this.load()
  }

  async load() {
    this.loadedAt = performance.now()
    try {
      const { requests } = await this.api.get(`requests?${this.question}`)
      this.problem.hidden = true
      this.table.element.hidden = false
      this.table.update(requests)
    } catch (error) {
      this.problem.hidden = false
      this.problem.textContent = error.message
      // What was found before stays; a question that cannot be answered has no list.
      this.table.element.hidden = error.status === 400
    }
  }

  /** Asks again once in a while. */
  tick() {
    if (performance.now() - (this.loadedAt ?? 0) > AGAIN_MS) void this.load()
  }
}

/**
 * @param {string} title
 * @param {string} empty
 */
function requestTable(title, empty) {
  const tone = ({ status, why }) => (status >= 500 ? 'bad' : why === 'slow' || status >= 400 ? 'warn' : '')
  return {
    title,
    caption: 'The latest first. Only failed and slow requests are kept.',
    key: ({ requestId }) => requestId,
    sort: 0,
    empty,
    columns: [
      {
        label: 'Time',
        text: (request) => dayTime(request.time),
        value: (request) => request.time,
        href: ({ requestId }) => `#/request/${encodeURIComponent(requestId)}`,
      },
      { label: 'Status', badge: true, text: ({ status }) => String(status), tone },
      { label: 'Why', text: ({ reason, why }) => reason ?? (why === 'slow' ? 'slow' : 'answer of the upstream') },
      {
        label: 'Route',
        text: ({ route }) => route ?? NOTHING,
        href: ({ route }) => (route ? `#/route/${encodeURIComponent(route)}` : undefined),
      },
      { label: 'Request', long: true, text: ({ host, method, path }) => `${method} ${host}${path}` },
      { label: 'Took', num: true, text: ({ durationMs }) => ms(durationMs), value: ({ durationMs }) => durationMs },
      { label: 'Attempts', num: true, text: ({ attempts }) => String(attempts), value: ({ attempts }) => attempts },
    ],
  }
}
