import { h } from '../lib/dom.js'

const SHOWN_MS = 6_000

/**
 * Tells what came of something, in sight and to screen readers.
 * @param {string} text
 */
export function say(text) {
  const line = h('p', {}, text)
  document.getElementById('said')?.append(line)
  setTimeout(() => line.remove(), SHOWN_MS)
}
