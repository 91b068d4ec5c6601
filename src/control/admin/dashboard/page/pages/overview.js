import { h } from '../lib/dom.js'
import { about, count, ms, NOTHING, percent, rate, time } from '../lib/format.js'
import { errorTone, words, workerTone } from '../lib/tones.js'
import { traffic } from '../live/state.js'
import { Attention } from '../parts/attention.js'
import { Charts, HELP, LOAD, ROUTE_LATENCY, TRAFFIC } from '../parts/charts.js'
import { Objectives } from '../parts/objectives.js'
import { Table } from '../parts/table.js'
import { Tiles } from '../parts/tiles.js'

const STAGES = ['calm', 'sheds low importance', 'closes connections', 'refuses connections']

/** How everything does, at a glance. */
export class Overview {
  constructor({ api, state }) {
    this.state = state
    this.attention = new Attention()
    this.tiles = new Tiles(() => tiles(state))
    this.charts = new Charts({ api, state }, '', () => state.now.total, [TRAFFIC, ROUTE_LATENCY, LOAD, HELP])
    this.objectives = new Objectives(api)
    this.routes = new Table(routes())
    this.upstreams = new Table(upstreams())
    this.workers = new Table(workers())
    this.element = h(
      'div',
      { class: 'page' },
      h('h1', {}, 'Overview'),
      this.attention.element,
      this.tiles.element,
      this.charts.element,
      this.objectives.element,
      this.routes.element,
      this.upstreams.element,
      this.workers.element,
    )
  }

  tick() {
    this.charts.tick()
    this.objectives.tick()
  }

  reload() {
    void this.charts.reload()
  }

  update() {
    const { state } = this
    this.attention.update(state)
    this.tiles.update()
    this.charts.update()
    this.routes.update(routeRows(state))
    this.upstreams.update(upstreamRows(state))
    this.workers.update(state.now.workers)
  }

  repaint() {
    this.charts.repaint()
  }

  close() {
    this.charts.close()
  }
}

/** @param {import('../live/state.js').State} state */
function tiles(state) {
  const utilization = () => Math.max(0, ...state.now.workers.map((worker) => worker.utilization))
  const stage = () => Math.max(0, ...state.now.workers.map((worker) => worker.overload))
  return [
    {
      label: 'Requests',
      read: () => ({
        number: `${rate(traffic(state.route()).requests)}/s`,
        note: `${count(state.route().inFlight)} in flight`,
      }),
    },
    {
      label: 'Errors (5xx)',
      read: () => {
        const { errors } = traffic(state.route())
        return { number: percent(errors), tone: errorTone(errors), note: `${rate(state.route()['5xx'])}/s` }
      },
    },
    {
      label: 'Latency p50',
      read: () => ({ number: ms(state.route().p50), note: `p95 ${ms(state.route().p95)}` }),
    },
    { label: 'Latency p99', read: () => ({ number: ms(state.route().p99), note: 'of the last 5 s' }) },
    {
      label: 'Waiting',
      read: () => ({ number: count(state.route().queued), note: 'in queues' }),
    },
    {
      label: 'Endpoints out',
      read: () => {
        const all = Object.values(state.now.endpoints)
        const out = all.filter((endpoint) => endpoint.state !== 'usable').length
        return { number: count(out), tone: usableTone(all.length - out, all.length), note: `of ${count(all.length)}` }
      },
    },
    ...Object.entries(state.now.lasting)
      .filter(([, { labels }]) => labels.includes('route') || labels.includes('upstream'))
      .map(([list, { normal, title }]) => ({
        label: `${title} not ${words(normal)}`,
        read: () => {
          const all = Object.values(state.now[list])
          const found = all.filter((one) => one.state !== normal).length
          return { number: count(found), tone: found > 0 ? 'bad' : '', note: `of ${count(all.length)}` }
        },
      })),
    {
      label: 'Busiest worker',
      read: () => ({
        number: percent(utilization()),
        tone: stage() > 0 ? 'bad' : utilization() > 0.85 ? 'warn' : '',
        note: STAGES[stage()],
      }),
    },
    {
      label: 'Config',
      read: () => {
        const { generation, hash, reload } = state.now
        const at = reload === undefined || reload === null ? '' : ` · ${time(reload.last.at).slice(0, 5)}`
        return {
          number: `#${generation}`,
          tone: reload?.last.ok === false ? 'bad' : '',
          note: `${(hash ?? '').slice(0, 7)}${at}`,
        }
      },
    },
    {
      label: 'Up for',
      read: () => ({
        number: about(state.now.at - state.now.startedAt),
        note: `version ${state.now.instance.version}`,
      }),
    },
  ]
}

/** @param {import('../live/state.js').State} state */
function routeRows(state) {
  const troubles = Map.groupBy(
    state.lasting().filter(({ normal }) => !normal),
    ({ values }) => values.route,
  )
  return Object.keys(state.now.routes).map((name) => {
    const row = state.route(name)
    return { name, ...row, ...traffic(row), troubles: troubles.get(name) ?? [] }
  })
}

/** @param {import('../live/state.js').State} state */
function upstreamRows(state) {
  return Object.keys(state.now.upstreams).map((name) => {
    const row = state.upstream(name)
    return { name, ...row, failed: row.attempts === 0 ? 0 : row.failures / row.attempts }
  })
}

function routes() {
  return {
    title: 'Routes',
    caption: 'Of the last 5 s; a click on a heading sorts.',
    key: ({ name }) => name,
    sort: 1,
    empty: 'This config has no routes.',
    columns: [
      {
        label: 'Route',
        text: ({ name }) => (name === '-' ? 'no route' : name),
        href: ({ name }) => `#/route/${encodeURIComponent(name)}`,
      },
      { label: 'Requests/s', num: true, text: ({ requests }) => rate(requests), value: ({ requests }) => requests },
      {
        label: 'Errors',
        num: true,
        text: ({ errors }) => marked(percent(errors), errorTone(errors)),
        value: ({ errors }) => errors,
        tone: ({ errors }) => errorTone(errors),
      },
      { label: 'p50', num: true, text: ({ p50 }) => ms(p50), value: ({ p50 }) => p50 ?? -1 },
      { label: 'p95', num: true, text: ({ p95 }) => ms(p95), value: ({ p95 }) => p95 ?? -1 },
      { label: 'p99', num: true, text: ({ p99 }) => ms(p99), value: ({ p99 }) => p99 ?? -1 },
      { label: 'In flight', num: true, text: ({ inFlight }) => count(inFlight), value: ({ inFlight }) => inFlight },
      { label: 'Queue', num: true, text: ({ queued }) => count(queued), value: ({ queued }) => queued },
      { label: 'Retries/s', num: true, text: ({ retries }) => rate(retries), value: ({ retries }) => retries },
      {
        label: 'States',
        text: ({ troubles: [first, ...more] }) =>
          first === undefined
            ? NOTHING
            : marked(`${first.kind} ${words(first.state)}${more.length > 0 ? ` +${more.length}` : ''}`, 'bad'),
        tone: ({ troubles }) => (troubles.length > 0 ? 'bad' : ''),
      },
    ],
  }
}

function upstreams() {
  return {
    title: 'Upstreams',
    caption: 'Attempts of the last 5 s, and endpoints now.',
    key: ({ name }) => name,
    sort: 2,
    empty: 'This config has no upstreams.',
    columns: [
      { label: 'Upstream', text: ({ name }) => name, href: ({ name }) => `#/upstream/${encodeURIComponent(name)}` },
      {
        label: 'Usable endpoints',
        num: true,
        text: ({ endpoints, usable }) => marked(`${usable} of ${endpoints}`, usableTone(usable, endpoints)),
        value: ({ endpoints, usable }) => usable / Math.max(1, endpoints),
        tone: ({ endpoints, usable }) => usableTone(usable, endpoints),
      },
      { label: 'Attempts/s', num: true, text: ({ attempts }) => rate(attempts), value: ({ attempts }) => attempts },
      {
        label: 'Failed',
        num: true,
        text: ({ failed }) => marked(percent(failed), errorTone(failed)),
        value: ({ failed }) => failed,
        tone: ({ failed }) => errorTone(failed),
      },
      { label: 'p50', num: true, text: ({ p50 }) => ms(p50), value: ({ p50 }) => p50 ?? -1 },
      { label: 'p99', num: true, text: ({ p99 }) => ms(p99), value: ({ p99 }) => p99 ?? -1 },
      { label: 'In flight', num: true, text: ({ inFlight }) => count(inFlight), value: ({ inFlight }) => inFlight },
      {
        label: 'Connections',
        num: true,
        text: ({ connections }) => count(connections),
        value: ({ connections }) => connections,
      },
    ],
  }
}

function workers() {
  return {
    title: 'Workers',
    caption: 'Threads that serve requests.',
    key: ({ worker }) => String(worker),
    sort: 0,
    descending: false,
    empty: 'There are no workers.',
    columns: [
      { label: 'Worker', text: ({ worker }) => `worker ${worker}`, value: ({ worker }) => worker },
      { label: 'State', badge: true, text: ({ state }) => state, tone: ({ state }) => workerTone(state) },
      {
        label: 'Busy',
        num: true,
        text: ({ utilization }) => percent(utilization),
        value: ({ utilization }) => utilization,
      },
      {
        label: 'Overload',
        text: ({ overload }) => marked(STAGES[overload] ?? '', overload > 0 ? 'bad' : ''),
        tone: ({ overload }) => (overload > 0 ? 'bad' : ''),
      },
    ],
  }
}

/** A sign besides the colour. */
function marked(text, tone) {
  return tone === 'bad' ? `✕ ${text}` : tone === 'warn' ? `▲ ${text}` : text
}

function usableTone(usable, all) {
  return usable === all ? '' : usable === 0 ? 'bad' : 'warn'
}
