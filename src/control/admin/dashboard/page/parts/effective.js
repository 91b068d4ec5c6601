import { h, panel } from '../lib/dom.js'

/** Every value that holds for a route or an upstream, and who says so. */
export class Effective {
  /**
   * @param {import('../live/api.js').Api} api
   * @param {'route' | 'upstream'} kind
   * @param {string} name
   */
  constructor(api, kind, name) {
    this.api = api
    this.kind = kind
    this.name = name
    this.body = h('div', {}, h('p', { class: 'empty' }, 'Asking …'))
    this.element = panel(`Effective config of ${kind} ${name}`, this.body)
    void this.load()
  }

  async load() {
    try {
      const { kind, name } = this
      const { at, keys, policies } = await this.api.get(`config/effective?${kind}=${encodeURIComponent(name)}`)
      this.body.replaceChildren(
        h('p', { class: 'muted' }, 'Written at ', h('span', { class: 'mono' }, place(at))),
        h(
          'div',
          { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Effective config of ${kind} ${name}` },
          kind === 'route'
            ? table(`What acts on requests of ${name}, in this order, with whose values.`, 'Policy', policies)
            : table(`What holds for ${name}, with whose values.`, 'Part', keys),
        ),
      )
    } catch (error) {
      this.body.replaceChildren(h('p', { class: 'empty' }, error.message))
    }
  }
}

function table(caption, first, groups) {
  return h(
    'table',
    {},
    h('caption', {}, caption),
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        [first, 'Key', 'Value', 'From'].map((label) => h('th', { scope: 'col' }, label)),
      ),
    ),
    groups.map(({ name, values, why }) =>
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
