import { badge, h, panel } from '../lib/dom.js'
import { dayTime, ms, NOTHING } from '../lib/format.js'
import { eventTone } from '../lib/tones.js'

/** What happened to one request; to all of one correlation ID. */
export class RequestPage {
  constructor({ api, name }) {
    this.title = `Request ${name}`
    this.found = h('div', { class: 'page', 'aria-live': 'polite' })
    this.element = h(
      'div',
      { class: 'page' },
      h('h1', {}, 'Request'),
      h('p', { class: 'mono muted' }, name),
      this.found,
    )
    void this.#load(api, name)
  }

  update() {}

  async #load(api, name) {
    try {
      const { requests } = await api.get(`requests/${encodeURIComponent(name)}`)
      this.found.replaceChildren(...requests.map(story))
    } catch (error) {
      this.found.replaceChildren(
        h('p', { class: 'empty' }, error.message, '. ', h('a', { href: '#/requests' }, 'Those that are kept')),
      )
    }
  }
}

/** @param {any} request */
function story(request) {
  const {
    attempts,
    correlationId,
    durationMs,
    host,
    method,
    path,
    process,
    query,
    reason,
    requestId,
    route,
    status,
    timeline,
    traceId,
  } = request
  const facts = [
    ['Time', dayTime(request.time)],
    ['Route', route === null ? 'none matched' : h('a', { href: `#/route/${encodeURIComponent(route)}` }, route)],
    [
      'Upstream',
      request.upstream
        ? h('a', { href: `#/upstream/${encodeURIComponent(request.upstream)}` }, request.upstream)
        : NOTHING,
    ],
    ['Reason', reason === null ? NOTHING : `${reason} (${request.phase}, caused by ${request.origin})`],
    ['Took', `${ms(durationMs)}, ${attempts === 1 ? '1 attempt' : `${attempts} attempts`}`],
    ['Request ID', h('span', { class: 'mono' }, requestId)],
    ['Correlation ID', h('span', { class: 'mono' }, correlationId)],
    ['Trace', h('span', { class: 'mono' }, traceId)],
    ...(process.current
      ? []
      : [['Recorded by', `an earlier process, ${process.pid}, started ${dayTime(process.startedAt)}`]]),
  ]
  const section = panel(
    `${method} ${host}${path}${query}`,
    h(
      'dl',
      { class: 'facts' },
      facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
    ),
    h(
      'ol',
      { class: 'story', 'aria-label': 'What happened' },
      timeline.map((event) => step(event, durationMs)),
    ),
  )
  section.querySelector('header').append(badge(String(status), status >= 500 ? 'bad' : status >= 400 ? 'warn' : 'good'))
  return section
}

/**
 * One line of a story; what takes time has a bar, as long as its share of the whole.
 * @param {any} event
 * @param {number} all milliseconds
 */
function step(event, all) {
  const what = h('span', { class: 'what' }, event.text)
  if (event.kind === 'attempt' || event.kind === 'queued') {
    const bar = h('span', { class: 'bar', 'aria-hidden': 'true' })
    const share = (ms) => `${Math.min(100, (100 * ms) / Math.max(all, 0.001))}%`
    bar.style.marginLeft = share(event.atMs)
    bar.style.width = share(event.durationMs ?? event.waitMs)
    what.append(bar)
  }
  return h('li', { class: eventTone(event) }, h('span', { class: 'at' }, ms(event.atMs)), what)
}
