import { h } from '../lib/dom.js'
import { RequestList } from '../parts/request-list.js'

const STATUSES = [
  ['', 'any'],
  ['5xx', '5xx'],
  ['4xx', '4xx'],
  ['2xx', '2xx'],
]
const WHY = [
  ['', 'failed or slow'],
  ['failed', 'failed'],
  ['slow', 'slow'],
]

/** The flight recorder: which requests failed or were slow. The filter stands in the address. */
export class RequestsPage {
  constructor({ api, query, state }) {
    this.title = 'Requests'
    this.state = state
    this.routes = h('datalist', { id: 'route-names' })
    const question = new URLSearchParams(query)
    question.set('limit', '200')
    const empty =
      query.size === 0 ? 'None: no request has failed or was slow.' : 'None of the requests that are kept is like that.'
    this.list = new RequestList(api, question, 'Failed and slow requests', empty)
    const field = (label, input) => h('label', {}, label, input)
    const id = h('input', { name: 'id', placeholder: 'request or correlation ID', size: 30, autocomplete: 'off' })
    this.inputs = [
      h('input', { name: 'route', value: query.get('route') ?? '', list: 'route-names', autocomplete: 'off' }),
      select('status', STATUSES, query.get('status')),
      h('input', {
        name: 'reason',
        value: query.get('reason') ?? '',
        autocomplete: 'off',
        placeholder: 'such as breaker_open',
      }),
      select('why', WHY, query.get('why')),
    ]
    const apply = () => {
      const filter = new URLSearchParams(
        this.inputs.filter(({ value }) => value.trim() !== '').map(({ name, value }) => [name, value.trim()]),
      )
      location.hash = `#/requests${filter.size > 0 ? `?${filter}` : ''}`
    }
    const find = () => {
      if (id.value.trim() !== '') location.hash = `#/request/${encodeURIComponent(id.value.trim())}`
    }
    for (const input of this.inputs) input.addEventListener('change', apply)
    id.addEventListener('change', find)
    const [route, status, reason, why] = this.inputs
    this.element = h(
      'div',
      { class: 'page' },
      h('h1', {}, 'Requests'),
      h(
        'section',
        { class: 'panel', role: 'search', 'aria-label': 'Filter requests' },
        h(
          'div',
          { class: 'filters' },
          field('Route', route),
          field('Status', status),
          field('Reason', reason),
          field('Kind', why),
          field('Find one', id),
        ),
        this.routes,
      ),
      this.list.element,
    )
  }

  tick() {
    this.list.tick()
  }

  reload() {
    void this.list.load()
  }

  update() {
    const names = Object.keys(this.state.now.routes)
    if (this.routes.children.length !== names.length)
      this.routes.replaceChildren(...names.map((name) => h('option', { value: name })))
  }
}

function select(name, options, chosen) {
  return h(
    'select',
    { name },
    options.map(([value, label]) => h('option', { value, selected: value === (chosen ?? '') }, label)),
  )
}
