import { h, panel } from '../lib/dom.js'

/** Every value that holds for a route, and who says so. */
export class Effective {
  /**
   * @param {import('../live/api.js').Api} api
   * @param {string} route
   */
  constructor(api, route) {
    this.api = api
    this.route = route
    this.body = h('div', {}, h('p', { class: 'empty' }, 'Asking …'))
    this.element = panel(`Effective config of ${route}`, this.body)
    void this.load()
  }

  async load() {
    try {
      const { at, policies } = await this.api.get(`config/effective?route=${encodeURIComponent(this.route)}`)
      this.body.replaceChildren(
        h('p', { class: 'muted' }, 'Written at ', h('span', { class: 'mono' }, place(at))),
        h(
          'div',
          { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Effective config of ${this.route}` },
          table(this.route, policies),
        ),
      )
    } catch (error) {
      this.body.replaceChildren(h('p', { class: 'empty' }, error.message))
    }
  }
}

function table(route, policies) {
  return h(
    'table',
    {},
    h('caption', {}, `What acts on requests of ${route}, in this order, with whose values.`),
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ['Policy', 'Key', 'Value', 'From'].map((label) => h('th', { scope: 'col' }, label)),
      ),
    ),
    policies.map(({ name, values, why }) =>
      h(
        'tbody',
        {},
        values.map(({ at, key, source, value }, i) =>
          h(
            'tr',
            {},
            i === 0 && h('th', { scope: 'rowgroup', rowspan: values.length, title: why }, name),
            h('td', { class: 'mono' }, key),
            h('td', { class: 'mono' }, value),
            h('td', {}, source, at && h('span', { class: 'mono muted' }, ` ${place(at)}`)),
          ),
        ),
      ),
    ),
  )
}

/** Short: the last part of a path tells which file it is. */
function place({ file, line }) {
  return `${(file ?? '').split('/').at(-1)}:${line}`
}
