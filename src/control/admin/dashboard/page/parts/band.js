import { h } from '../lib/dom.js'
import { span, time } from '../lib/format.js'
import { words } from '../lib/tones.js'

/** @typedef {{ now: number, startedAt: number }} Span */

const SHOWN_MS = 15 * 60_000

/**
 * The states of one thing over the latest 15 minutes, as a band; as text for those who do not see it.
 * @param {{ now: number, startedAt: number, state: string, changes: readonly { at: number, from: string, to: string }[] }} life
 * @param {(state: string) => string} toneOf
 */
export function band({ changes, now, startedAt, state }, toneOf) {
  const begin = beginOf({ now, startedAt })
  const length = Math.max(1, now - begin)
  const inSight = changes.filter(({ at }) => at > begin)
  const ends = [...inSight.map(({ at, from }) => ({ state: from, until: at })), { state, until: now }]
  let from = begin
  const parts = ends.map((part) => {
    const element = h('span', {
      class: toneOf(part.state),
      title: `${words(part.state)} until ${part.until === now ? 'now' : time(part.until)}, ${span(part.until - from)}`,
    })
    element.style.left = `${((from - begin) / length) * 100}%`
    element.style.width = `max(2px, ${((part.until - from) / length) * 100}%)`
    from = part.until
    return element
  })
  const story = inSight.map(({ at, to }) => `${words(to)} at ${time(at)}`).join(', ')
  return h(
    'div',
    {
      class: 'band',
      role: 'img',
      'aria-label': story === '' ? `${words(state)} all the time` : `${story}; now ${words(state)}`,
    },
    parts,
  )
}

/**
 * Stands below bands and says how long they are.
 * @param {Span} span
 */
export function bandAxis(span) {
  return h(
    'div',
    { class: 'band-row' },
    h('span'),
    h('div', { class: 'band-axis muted' }, h('span', {}, time(beginOf(span))), h('span', {}, 'now')),
  )
}

/** @param {Span} span */
function beginOf({ now, startedAt }) {
  return Math.max(now - SHOWN_MS, startedAt)
}
