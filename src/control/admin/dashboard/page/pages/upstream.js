import { badge, h, missing, panel, write } from '../lib/dom.js'
import { count, rate, span, time } from '../lib/format.js'
import { endpointTone, words } from '../lib/tones.js'
import { upstreamNotes } from '../parts/attention.js'
import { band, bandAxis } from '../parts/band.js'
import { ATTEMPT_LATENCY, ATTEMPTS, Charts, CONNECTIONS, USABLE } from '../parts/charts.js'
import { Effective } from '../parts/effective.js'
import { Table } from '../parts/table.js'

const MOST_BANDS = 20

/** How one upstream and its endpoints do. */
export class UpstreamPage {
  constructor({ actions, api, name, state }) {
    this.title = name
    this.name = name
    this.state = state
    this.actions = actions
    this.charts = new Charts({ api, state }, `?upstream=${encodeURIComponent(name)}`, () => state.now.upstreams[name], [
      ATTEMPTS,
      ATTEMPT_LATENCY,
      CONNECTIONS,
      USABLE,
    ])
    this.links = h('p', { class: 'muted' })
    this.missing = missing('upstream')
    this.endpoints = new Table(endpointTable(state, actions))
    this.recoveries = h('p')
    this.bands = h('div')
    this.health = panel('Health over time', this.recoveries, this.bands)
    this.shownBands = ''
    this.notes = h('ul', { class: 'attention', 'aria-label': 'Needs attention' })
    this.shownNotes = ''
    this.effective = new Effective(api, 'upstream', name)
    this.known = h(
      'div',
      { class: 'page' },
      this.notes,
      this.endpoints.element,
      this.health,
      this.charts.element,
      this.effective.element,
    )
    this.element = h(
      'div',
      { class: 'page' },
      h('div', { class: 'page-head' }, h('h1', {}, `Upstream ${name}`), this.links),
      this.missing,
      this.known,
    )
  }

  tick() {
    this.charts.tick()
  }

  reload() {
    void this.charts.reload()
    void this.effective.load()
  }

  update() {
    const { now } = this.state
    const known = now.upstreams[this.name] !== undefined
    this.missing.hidden = known
    this.known.hidden = !known
    const routes = Object.keys(now.links).filter((route) => now.links[route].includes(this.name))
    this.links.hidden = routes.length === 0
    if (this.links.children.length !== routes.length)
      this.links.replaceChildren(
        'used by ',
        ...routes.flatMap((name, i) => [
          i > 0 ? ', ' : '',
          h('a', { href: `#/route/${encodeURIComponent(name)}` }, name),
        ]),
      )
    this.#showNotes()
    this.charts.update()
    const endpoints = this.state.endpointsOf(this.name)
    this.endpoints.update(endpoints)
    this.#showHealth(endpoints)
  }

  #showNotes() {
    const notes = upstreamNotes(this.state.now, this.name)
    const shown = JSON.stringify(notes)
    if (shown === this.shownNotes) return
    this.shownNotes = shown
    this.notes.hidden = notes.length === 0
    this.notes.replaceChildren(...notes.map(({ note, word }) => h('li', {}, badge(word, 'warn'), note)))
  }

  /** @param {readonly any[]} endpoints */
  #showHealth(endpoints) {
    const { now } = this.state
    const shown = JSON.stringify([endpoints.map(({ state }) => state), Math.floor(now.at / 5_000)])
    if (shown === this.shownBands) return
    this.shownBands = shown
    write(this.recoveries, recoveryText(now.recoveries[this.name]))
    const worst = endpoints.toSorted((a, b) => Number(a.state === 'usable') - Number(b.state === 'usable'))
    this.bands.replaceChildren(...worst.slice(0, MOST_BANDS).map((endpoint) => this.#band(endpoint)))
    if (worst.length > 0) this.bands.append(bandAxis({ now: now.at, startedAt: now.startedAt }))
    if (worst.length > MOST_BANDS)
      this.bands.append(h('p', { class: 'muted' }, `and ${worst.length - MOST_BANDS} more, see the table`))
  }

  /** @param {any} endpoint */
  #band({ endpoint, state }) {
    const { now } = this.state
    const changes = now.events.filter(
      (event) => event.kind === 'endpoint' && event.upstream === this.name && event.endpoint === endpoint,
    )
    const back = changes.filter(({ to }) => to === 'usable').at(-1)
    return h(
      'div',
      { class: 'band-row' },
      h(
        'div',
        {},
        h('span', { class: 'mono' }, endpoint),
        back && h('div', { class: 'muted' }, `back at ${time(back.at)} after ${span(back.lasted)}`),
      ),
      band({ now: now.at, startedAt: now.startedAt, state, changes }, endpointTone),
    )
  }

  repaint() {
    this.charts.repaint()
  }

  close() {
    this.charts.close()
  }
}

/** @param {{ count: number, seconds: number } | undefined} recovery */
function recoveryText(recovery) {
  if (recovery === undefined || recovery.count === 0)
    return 'It has had a usable endpoint all the time since this gateway started.'
  const times = recovery.count === 1 ? 'once' : `${recovery.count} times`
  return `It was without a usable endpoint ${times} since this gateway started; recovery took ${span((recovery.seconds / recovery.count) * 1000)} on average.`
}

/**
 * @param {import('../live/state.js').State} state
 * @param {import('../actions.js').Actions} actions
 */
function endpointTable(state, actions) {
  return {
    title: 'Endpoints',
    caption: 'State now; attempts of the last 5 s.',
    key: ({ endpoint }) => endpoint,
    sort: 0,
    descending: false,
    empty: 'No endpoint is known.',
    columns: [
      { label: 'Endpoint', text: ({ endpoint }) => endpoint },
      { label: 'State', badge: true, text: (row) => words(row.state), tone: (row) => endpointTone(row.state) },
      {
        label: 'For',
        num: true,
        text: ({ since }) => span(state.now.at - since),
        value: ({ since }) => state.now.at - since,
      },
      { label: 'Why', text: (row) => (row.state === 'usable' ? '' : row.text) },
      { label: 'Attempts/s', num: true, text: ({ attempts }) => rate(attempts), value: ({ attempts }) => attempts },
      {
        label: 'Failed/s',
        num: true,
        text: ({ failures }) => (failures > 0 ? `✕ ${rate(failures)}` : '0'),
        value: ({ failures }) => failures,
        tone: ({ failures }) => (failures > 0 ? 'bad' : ''),
      },
      { label: 'In flight', num: true, text: ({ inFlight }) => count(inFlight), value: ({ inFlight }) => inFlight },
      {
        label: 'Connections',
        num: true,
        text: ({ connections }) => count(connections),
        value: ({ connections }) => connections,
      },
      {
        label: '',
        text: () => '',
        action: (row) => {
          if (!actions.allowed) return undefined
          const label = row.state === 'draining' ? 'Take back' : 'Drain'
          return { label, name: `${label} ${row.endpoint}`, run: () => void actions.endpoint(row) }
        },
      },
    ],
  }
}
