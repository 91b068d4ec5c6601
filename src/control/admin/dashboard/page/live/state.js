import { lastingOf } from './lasting.js'

const LISTS = ['routes', 'upstreams', 'endpoints', 'recoveries', 'idleLimits']
const EVENTS_MS = 15 * 60_000
const MOST_EVENTS = 1_000

/** The latest message of the gateway. Views read it; only this class writes it. */
export class State {
  constructor() {
    /** Nothing has been told yet. */
    this.empty = true
    /** @type {any} */
    this.now = {}
    this.routeAt = indexOf([])
    this.upstreamAt = indexOf([])
  }

  /** @param {any} data */
  snapshot(data) {
    const known = this.now.startedAt === data.startedAt ? [] : (this.now.events ?? [])
    this.now = { ...data, events: [...known, ...data.events] }
    this.routeAt = indexOf(data.fields.route)
    this.upstreamAt = indexOf(data.fields.upstream)
    this.empty = false
  }

  /** @param {any} data */
  update(data) {
    const { now } = this
    for (const [key, value] of Object.entries(data)) {
      if (LISTS.includes(key) || key in now.lasting) Object.assign(now[key], value)
      else if (key === 'events') now.events = [...now.events, ...value]
      else now[key] = value
    }
    now.events = now.events.filter(({ at }) => at > data.at - EVENTS_MS).slice(-MOST_EVENTS)
  }

  /**
   * Values of a route by field; of all together without a name.
   * @param {string} [name]
   */
  route(name) {
    return named(name === undefined ? this.now.total : this.now.routes[name], this.routeAt)
  }

  /** @param {string} name */
  upstream(name) {
    return named(this.now.upstreams[name], this.upstreamAt)
  }

  /**
   * What lasts: of one route, or all.
   * @param {string} [route]
   */
  lasting(route) {
    const all = lastingOf(this.now)
    return route === undefined ? all : all.filter(({ values }) => values.route === route)
  }

  /** @param {string} upstream */
  endpointsOf(upstream) {
    return Object.values(this.now.endpoints).filter((endpoint) => endpoint.upstream === upstream)
  }

  /** When another config went live, for the charts. */
  marks() {
    return this.now.events.filter(({ kind }) => kind === 'config').map(({ at, hash }) => ({ at, hash }))
  }
}

/**
 * Requests per second and the share of them that failed.
 * @param {Record<string, number>} row
 */
export function traffic(row) {
  const requests = row['2xx'] + row['3xx'] + row['4xx'] + row['5xx']
  return { requests, errors: requests === 0 ? 0 : row['5xx'] / requests }
}

/** @param {readonly string[]} fields */
function indexOf(fields) {
  return fields.map((name, i) => /** @type {const} */ ([name, i]))
}

/**
 * @param {readonly (number | null)[] | undefined} row
 * @param {readonly (readonly [string, number])[]} index
 * @returns {any}
 */
function named(row, index) {
  if (row === undefined) return undefined
  const values = {}
  for (const [name, i] of index) values[name] = row[i]
  return values
}
