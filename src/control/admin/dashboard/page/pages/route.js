import { badge, h, missing, panel } from '../lib/dom.js'
import { breakerTone, words } from '../lib/tones.js'
import { band, bandAxis } from '../parts/band.js'
import { Charts, HELP, LOAD, ROUTE_LATENCY, TRAFFIC } from '../parts/charts.js'
import { Effective } from '../parts/effective.js'
import { Objectives } from '../parts/objectives.js'
import { RequestList } from '../parts/request-list.js'

/** How one route does. */
export class RoutePage {
  constructor({ actions, api, name, state }) {
    this.title = name === '-' ? 'No route' : name
    this.name = name
    this.state = state
    this.actions = actions
    this.charts = new Charts({ api, state }, `?route=${encodeURIComponent(name)}`, () => state.now.routes[name], [
      TRAFFIC,
      ROUTE_LATENCY,
      LOAD,
      HELP,
    ])
    this.objectives = new Objectives(api, name)
    this.links = h('p', { class: 'muted' })
    this.missing = missing('route')
    this.bands = h('div')
    this.breakers = panel('Circuit breakers', this.bands)
    this.shownBreakers = ''
    this.requests = new RequestList(
      api,
      new URLSearchParams({ route: name, limit: '10' }),
      'Latest failed and slow requests',
      'None is kept: no recent request failed or was slow.',
    )
    this.effective = name === '-' ? undefined : new Effective(api, 'route', name)
    this.known = h(
      'div',
      { class: 'page' },
      this.charts.element,
      this.objectives.element,
      this.breakers,
      this.requests.element,
      this.effective?.element,
    )
    this.element = h(
      'div',
      { class: 'page' },
      h('div', { class: 'page-head' }, h('h1', {}, name === '-' ? 'No route' : `Route ${name}`), this.links),
      this.missing,
      this.known,
    )
  }

  tick() {
    this.charts.tick()
    this.objectives.tick()
    this.requests.tick()
  }

  reload() {
    void this.charts.reload()
    void this.requests.load()
    void this.effective?.load()
  }

  update() {
    const { now } = this.state
    const known = now.routes[this.name] !== undefined
    this.missing.hidden = known
    this.known.hidden = !known
    const links = now.links[this.name] ?? []
    if (this.links.children.length !== links.length)
      this.links.replaceChildren(
        'to ',
        ...links.flatMap((name, i) => [
          i > 0 ? ', ' : '',
          h('a', { href: `#/upstream/${encodeURIComponent(name)}` }, name),
        ]),
      )
    this.links.hidden = links.length === 0
    this.charts.update()
    this.#showBreakers()
  }

  #showBreakers() {
    const { now } = this.state
    const own = this.state.breakersOf(this.name)
    this.breakers.hidden = own.length === 0
    // Bands move by a pixel every few seconds: they are made anew only then.
    const shown = JSON.stringify([own, this.actions.allowed, Math.floor(now.at / 5_000)])
    if (shown === this.shownBreakers) return
    this.shownBreakers = shown
    const buttons = () => [...this.bands.querySelectorAll('button')]
    const focused = buttons().indexOf(/** @type {any} */ (document.activeElement))
    this.bands.replaceChildren(
      ...own.map((breaker) => this.#row(breaker)),
      bandAxis({ now: now.at, startedAt: now.startedAt }),
    )
    buttons()[focused]?.focus()
  }

  /** @param {any} breaker */
  #row(breaker) {
    const { now } = this.state
    const { route, state, upstream } = breaker
    const changes = now.events.filter(
      (event) => event.kind === 'breaker' && event.route === route && event.upstream === upstream,
    )
    const forced = state.startsWith('forced')
    const button = h(
      'button',
      {
        type: 'button',
        class: 'small',
        'aria-label': `${forced ? 'Release' : 'Force'} the breaker ${route} to ${upstream}`,
        onclick: () => (forced ? this.actions.release(breaker) : this.actions.force(breaker)),
      },
      forced ? 'Release' : 'Force …',
    )
    return h(
      'div',
      { class: 'band-row' },
      h('div', {}, `${upstream} `, badge(words(state), breakerTone(state)), ' ', this.actions.allowed && button),
      band({ now: now.at, startedAt: now.startedAt, state, changes }, breakerTone),
    )
  }

  repaint() {
    this.charts.repaint()
  }

  close() {
    this.charts.close()
  }
}
