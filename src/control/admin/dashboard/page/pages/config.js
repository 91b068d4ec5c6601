import { badge, h, panel } from '../lib/dom.js'
import { dayTime } from '../lib/format.js'
import { Effective } from '../parts/effective.js'

const SOURCES = {
  files: 'files',
  http: 'URL',
  memory: 'program',
  api: 'admin API',
  rollback: 'rollback',
  'last-known-good': 'last known good',
}

/** Whose effective values are shown; it stands in the address. */
class Choice {
  /**
   * @param {'route' | 'upstream'} kind
   * @param {URLSearchParams} query
   */
  constructor(kind, query) {
    this.kind = kind
    this.name = query.get(kind) ?? ''
    const list = `config-${kind}s`
    const input = h('input', {
      list,
      value: this.name,
      autocomplete: 'off',
      onchange: () => {
        location.hash = `#/config?${kind}=${encodeURIComponent(input.value.trim())}`
      },
    })
    this.names = h('datalist', { id: list })
    this.element = h('label', {}, `Of ${kind}`, input, this.names)
  }

  /** @param {readonly string[]} names */
  offer(names) {
    if (this.names.children.length !== names.length)
      this.names.replaceChildren(...names.map((name) => h('option', { value: name })))
  }
}

/** What is live, where it came from, and what was before. */
export class ConfigPage {
  constructor({ actions, api, query, state }) {
    this.title = 'Config'
    this.api = api
    this.state = state
    this.actions = actions
    this.live = h('div')
    this.reloadButton = h('div', { class: 'actions' })
    this.history = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'History' })
    this.shown = ''
    this.routes = new Choice('route', query)
    this.upstreams = new Choice('upstream', query)
    const chosen = [this.routes, this.upstreams].find(({ name }) => name !== '')
    this.effective = chosen && new Effective(api, chosen.kind, chosen.name)
    const livePanel = panel('Live config', this.live)
    livePanel.querySelector('header').append(this.reloadButton)
    this.element = h(
      'div',
      { class: 'page' },
      h('h1', {}, 'Config'),
      livePanel,
      panel('History', this.history),
      panel('Effective config', h('div', { class: 'filters' }, this.routes.element, this.upstreams.element)),
      this.effective?.element,
    )
  }

  reload() {
    this.shown = ''
    void this.effective?.load()
  }

  update() {
    const { generation, hash, reload, routes, upstreams } = this.state.now
    this.routes.offer(Object.keys(routes).filter((name) => name !== '-'))
    this.upstreams.offer(Object.keys(upstreams))
    const shown = JSON.stringify([generation, hash, reload, this.actions.allowed])
    if (shown === this.shown) return
    this.shown = shown
    this.#showLive()
    void this.#showHistory()
  }

  #showLive() {
    const { generation, hash, reload } = this.state.now
    this.reloadButton.replaceChildren(
      ...(this.actions.allowed && reload
        ? [h('button', { type: 'button', onclick: () => void this.actions.reload() }, 'Reload …')]
        : []),
    )
    const facts = [
      ['Generation', String(generation)],
      ['Hash', h('span', { class: 'mono' }, hash ?? '')],
    ]
    if (!reload) return this.live.replaceChildren(list(facts))
    const { file, from, kept, last, restart, source } = reload
    facts.push(
      ['File', h('span', { class: 'mono' }, file)],
      ['Source', SOURCES[source] ?? source],
      [
        'Latest attempt',
        h(
          'span',
          {},
          badge(last.ok ? 'live' : 'refused', last.ok ? 'good' : 'bad'),
          ` ${dayTime(last.at)}, by ${last.trigger}`,
        ),
      ],
    )
    if (from?.readAt !== undefined)
      facts.push([
        'Last read',
        `${dayTime(from.readAt)}${from.signer === undefined ? '' : `, signed by ${from.signer}`}`,
      ])
    if (from?.problem !== undefined)
      facts.push(['Cannot be read', `since ${dayTime(from.problem.since)}: ${from.problem.text}`])
    if (restart.length > 0) facts.push(['Needs a restart', restart.join(', ')])
    if (kept.length > 0)
      facts.push(['Kept as it was', kept.map(({ became, kind, name }) => `${kind} ${name}: ${became}`).join('; ')])
    this.live.replaceChildren(
      list(facts),
      last.problems.length > 0
        ? h(
            'ul',
            { class: 'problems', 'aria-label': 'Problems' },
            last.problems.map((problem) => h('li', { class: 'mono' }, problem)),
          )
        : '',
    )
  }

  async #showHistory() {
    try {
      const { configs, live } = await this.api.get('history')
      this.history.replaceChildren(
        configs.length === 0 ? h('p', { class: 'empty' }, 'None is kept.') : this.#table(configs, live),
      )
    } catch (error) {
      this.history.replaceChildren(
        h('p', { class: 'empty' }, error.status === 404 ? 'This gateway keeps none.' : error.message),
      )
    }
  }

  #table(configs, live) {
    const latest = configs.find(({ hash }) => hash === live)?.number
    return h(
      'table',
      {},
      h('caption', {}, 'Configs that were live, the latest first.'),
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          ['Number', 'Kept', 'Hash', 'Source', ''].map((label) =>
            h(label === '' ? 'td' : 'th', { scope: label === '' ? false : 'col' }, label),
          ),
        ),
      ),
      h(
        'tbody',
        {},
        configs.map(({ hash, number, savedAt, source }) =>
          h(
            'tr',
            {},
            h('th', { scope: 'row' }, String(number)),
            h('td', { class: 'nowrap' }, dayTime(savedAt)),
            h('td', { class: 'mono' }, hash.slice(0, 12)),
            h('td', {}, SOURCES[source] ?? source),
            h('td', {}, number === latest ? badge('live', 'good') : this.#rollbackButton(number)),
          ),
        ),
      ),
    )
  }

  #rollbackButton(number) {
    if (!this.actions.allowed) return ''
    const run = async () => {
      if (await this.actions.rollback(number)) this.shown = ''
    }
    return h(
      'button',
      { type: 'button', class: 'small', 'aria-label': `Roll back to ${number}`, onclick: run },
      'Roll back …',
    )
  }
}

function list(facts) {
  return h(
    'dl',
    { class: 'facts' },
    facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
  )
}
