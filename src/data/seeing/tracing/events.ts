import type { Exchange } from '../../../core/exchange.ts'
import type { Note } from '../../../core/note.ts'
import type { EventRecord } from '../../../core/spans.ts'

const MAX_EVENTS = 32

/** What happened to an exchange that has ended, in the order of time. `epoch`: Unix milliseconds at clock time 0. */
export function eventsOf(ex: Exchange, epoch: number, now: number): EventRecord[] {
  const [first, ...further] = ex.allAttempts
  if (ex.notes === undefined && further.length === 0 && first?.unsent !== true) return []
  const { kept = [], more = 0 } = ex.notes ?? {}
  const all = [...kept.flatMap(decisionOf), ...unsentOf(ex)].sort((a, b) => a.at - b.at)
  const leftOut = more + Math.max(0, all.length - MAX_EVENTS)
  const events = all.slice(0, MAX_EVENTS)
  if (leftOut > 0) events.push({ name: 'more', at: now, facts: { left_out: leftOut } })
  return events.map((event) => ({ ...event, at: epoch + event.at }))
}

/** The failure of the request says why no further attempt followed. */
function decisionOf(note: Note): EventRecord[] {
  const { at } = note
  switch (note.kind) {
    case 'refused':
      return [{ name: 'refused', at, facts: { policy: note.policy, reason: note.reason, mode: note.mode } }]
    case 'rerouted': {
      const { from, hindrance, to } = note
      return [{ name: 'rerouted', at, facts: hindrance === undefined ? { from, to } : { from, to, hindrance } }]
    }
    // It has a span of its own.
    case 'called':
      return []
    case 'decided':
      return note.row.event === undefined ? [] : [{ name: note.row.event, at, facts: note.facts }]
  }
}

/** Which attempts were never sent. */
function unsentOf({ allAttempts }: Exchange): EventRecord[] {
  return allAttempts
    .filter(({ unsent }) => unsent)
    .map(({ endedAt, head, startedAt }) => ({
      name: 'refused',
      at: endedAt || startedAt,
      facts: { policy: 'pool', reason: head?.reason ?? '-' },
    }))
}
