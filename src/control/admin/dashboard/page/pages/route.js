import { badge, h, missing, panel } from '../lib/dom.js'
import { words } from '../lib/tones.js'
import { changesOf } from '../live/lasting.js'
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
    this.lasting = panel('States over time', this.bands)
    this.shownLasting = ''
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
      this.lasting,
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
    this.#showLasting()
  }

  #showLasting() {
    const { now } = this.state
    const own = this.state.lasting(this.name)
    this.lasting.hidden = own.length === 0
    // Bands move by a pixel every few seconds: they are made anew only then.
    const shown = JSON.stringify([own, this.actions.allowed, Math.floor(now.at / 5_000)])
    if (shown === this.shownLasting) return
    this.shownLasting = shown
    const buttons = () => [...this.bands.querySelectorAll('button')]
    const focused = buttons().indexOf(/** @type {any} */ (document.activeElement))
    this.bands.replaceChildren(
      ...own.map((lasting) => this.#row(lasting)),
      bandAxis({ now: now.at, startedAt: now.startedAt }),
    )
    buttons()[focused]?.focus()
  }

  /** @param {import('../live/lasting.js').Lasting} lasting */
  #row(lasting) {
    const { now } = this.state
    const { forced, list, name, state, text, tone } = lasting
    const isForced = state.startsWith('forced')
    const button = h(
      'button',
      {
        type: 'button',
        class: 'small',
        'aria-label': `${isForced ? 'Release' : 'Force'} the ${name}`,
        onclick: () => (isForced ? this.actions.release(lasting) : this.actions.force(lasting)),
      },
      isForced ? 'Release' : 'Force …',
    )
    const { levels } = now.lasting[list]
    return h(
      'div',
      { class: 'band-row' },
      h(
        'div',
        {},
        `${name} `,
        badge(words(state), tone),
        ' ',
        this.actions.allowed && forced !== undefined && button,
        h('div', { class: 'muted' }, text),
      ),
      band(
        { now: now.at, startedAt: now.startedAt, state, changes: changesOf(now, lasting) },
        (known) => levels[known] ?? '',
      ),
    )
  }

  repaint() {
    this.charts.repaint()
  }

  close() {
    this.charts.close()
  }
}
