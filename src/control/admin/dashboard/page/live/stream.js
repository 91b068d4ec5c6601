import { ApiError } from './api.js'

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 10_000
/** An update comes every second: so long without any, and the line is dead. */
const SILENCE_MS = 8_000

/**
 * Follows `/api/v1/events` for good: reconnects with growing pauses. By fetch, since EventSource cannot send a token.
 * @param {import('./api.js').Api} api
 * @param {{ event: (name: string, data: any) => void, state: (state: string, error?: ApiError) => void }} on
 *   `state`: connecting, live, or lost
 */
export async function follow(api, on) {
  let wait = FIRST_WAIT_MS
  for (;;) {
    on.state('connecting')
    let error
    try {
      await readAll(api, (name, data) => {
        wait = FIRST_WAIT_MS
        if (name === 'snapshot' || name === 'update') on.state('live')
        on.event(name, data)
      })
    } catch (caught) {
      error = caught instanceof ApiError ? caught : undefined
    }
    on.state('lost', error)
    await pause(api.session, wait * (0.75 + Math.random() / 2))
    wait = Math.min(LONGEST_WAIT_MS, wait * 2)
  }
}

/**
 * Ends early when another token may open the door.
 * @param {EventTarget} session
 * @param {number} ms
 */
function pause(session, ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
    session.addEventListener('change', resolve, { once: true })
  })
}

/**
 * @param {import('./api.js').Api} api
 * @param {(name: string, data: any) => void} onEvent
 */
async function readAll(api, onEvent) {
  const silence = new AbortController()
  let timer = setTimeout(() => silence.abort(), SILENCE_MS)
  try {
    const answer = await api.open('events', { signal: silence.signal })
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    let text = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      clearTimeout(timer)
      timer = setTimeout(() => silence.abort(), SILENCE_MS)
      const blocks = (text + value).split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) {
        const parsed = parse(block)
        if (parsed !== undefined) onEvent(parsed.name, parsed.data)
      }
    }
  } finally {
    clearTimeout(timer)
    silence.abort()
  }
}

/** @param {string} block */
function parse(block) {
  const name = /^event: (.*)$/m.exec(block)?.[1]
  const data = /^data: (.*)$/m.exec(block)?.[1]
  return name === undefined || data === undefined ? undefined : { name, data: JSON.parse(data) }
}
