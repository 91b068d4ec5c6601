import { badge, h } from '../lib/dom.js'
import { about, percent, span } from '../lib/format.js'
import { endpointTone, words, workerTone } from '../lib/tones.js'
import { traffic } from '../live/state.js'

const MOST_SHOWN = 12
const STAGES = ['calm', 'sheds low importance', 'closes connections', 'refuses connections']

/** What an operator should look at, the worst first. */
export class Attention {
  constructor() {
    this.list = h('ul', { class: 'attention' })
    this.heading = h('h2')
    this.element = h(
      'section',
      { class: 'panel', 'aria-label': 'Needs attention' },
      h('header', {}, this.heading),
      this.list,
    )
    this.shown = ''
  }

  /** @param {import('../live/state.js').State} state */
  update(state) {
    const found = problems(state)
    const text = JSON.stringify(found)
    if (text === this.shown) return
    this.shown = text
    this.heading.textContent = found.length === 0 ? 'All is well' : `Needs attention (${found.length})`
    this.list.hidden = found.length === 0
    const more = found.length - MOST_SHOWN
    this.list.replaceChildren(
      ...found
        .slice(0, MOST_SHOWN)
        .map(({ href, note, tone, what, word }) =>
          h(
            'li',
            {},
            badge(word, tone),
            href === undefined ? h('span', {}, what) : h('a', { href }, what),
            h('span', { class: 'muted' }, note),
          ),
        ),
      ...(more > 0 ? [h('li', { class: 'muted' }, `and ${more} more`)] : []),
    )
  }
}

/** @param {import('../live/state.js').State} state */
function problems(state) {
  const { now } = state
  const found = [...ofProcess(now), ...ofUpstreams(state)]
  for (const { name, normal, since, state: own, text, tone, values } of state.lasting()) {
    if (normal) continue
    const page = ['route', 'upstream'].find((label) => values[label] !== undefined)
    const href = page && `#/${page}/${encodeURIComponent(values[page])}`
    found.push({ tone, word: words(own), what: name, href, note: `${ago(now.at - since)}: ${text}` })
  }
  for (const name of Object.keys(now.routes)) {
    const { errors } = traffic(state.route(name))
    if (errors < 0.01) continue
    const href = `#/route/${encodeURIComponent(name)}`
    found.push({
      tone: errors >= 0.05 ? 'bad' : 'warn',
      word: 'errors',
      what: name === '-' ? 'requests without a route' : `route ${name}`,
      href,
      note: `${percent(errors)} of its answers`,
    })
  }
  return found.sort((a, b) => (a.tone === b.tone ? 0 : a.tone === 'bad' ? -1 : 1))
}

/** @param {any} now */
function ofProcess({ drain, reload, workers }) {
  const found = []
  if (drain !== 'serving') found.push({ tone: 'warn', word: drain, what: 'this gateway is leaving', note: '' })
  if (reload?.last.ok === false)
    found.push({
      tone: 'bad',
      word: 'refused',
      what: 'the latest config',
      href: '#/config',
      note: reload.last.problems[0] ?? '',
    })
  if (reload?.from?.problem !== undefined)
    found.push({
      tone: 'warn',
      word: 'unread',
      what: 'the source of the config',
      href: '#/config',
      note: reload.from.problem.text,
    })
  if (reload?.restart.length > 0)
    found.push({
      tone: 'warn',
      word: 'restart',
      what: 'a part of the config waits for a restart',
      href: '#/config',
      note: reload.restart.join(', '),
    })
  for (const { overload, state, worker } of workers) {
    if (state !== 'serving') found.push({ tone: workerTone(state), word: state, what: `worker ${worker}`, note: '' })
    if (overload > 0) found.push({ tone: 'bad', word: 'overload', what: `worker ${worker}`, note: STAGES[overload] })
  }
  return found
}

/** @param {import('../live/state.js').State} state */
function ofUpstreams({ now }) {
  const found = []
  const usable = new Map(Object.keys(now.upstreams).map((name) => [name, 0]))
  for (const { state, upstream } of Object.values(now.endpoints))
    if (state === 'usable') usable.set(upstream, (usable.get(upstream) ?? 0) + 1)
  for (const [name, count] of usable) {
    const href = `#/upstream/${encodeURIComponent(name)}`
    const what = `upstream ${name}`
    if (count === 0) found.push({ tone: 'bad', word: 'down', what, href, note: 'no usable endpoint' })
    for (const { note, word } of upstreamNotes(now, name)) found.push({ tone: 'warn', word, what, href, note })
  }
  for (const { endpoint, since, state, upstream } of Object.values(now.endpoints)) {
    if (state === 'usable') continue
    const href = `#/upstream/${encodeURIComponent(upstream)}`
    found.push({
      tone: endpointTone(state),
      word: state,
      what: `${endpoint} of ${upstream}`,
      href,
      note: ago(now.at - since),
    })
  }
  return found
}

/**
 * What is odd about an upstream, whatever its endpoints are like.
 * @param {any} now
 * @param {string} name
 * @returns {{ word: string, note: string }[]}
 */
export function upstreamNotes({ idleLimits, recoveries }, name) {
  const notes = []
  if (recoveries[name]?.panic) notes.push({ word: 'panic', note: 'too few healthy endpoints: all are used' })
  const idle = idleLimits[name]
  if (idle !== undefined)
    notes.push({ word: 'keep-alive', note: `ends idle connections after ${span(idle)}, before connections.keepAlive` })
  return notes
}

function ago(ms) {
  return ms < 60_000 ? 'for less than a minute' : `for ${ms < 120_000 ? '1 min' : about(ms)}`
}
