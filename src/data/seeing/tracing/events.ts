import type { Attempt } from '../../../core/attempt.ts'
import type { Exchange } from '../../../core/exchange.ts'
import type { Note } from '../../../core/note.ts'
import type { EventRecord } from '../../../core/spans.ts'

const MAX_EVENTS = 32

/** What happened to an exchange that has ended, in the order of time. `epoch`: Unix milliseconds at clock time 0. */
export function eventsOf(ex: Exchange, epoch: number, now: number): EventRecord[] {
  const [first, ...further] = ex.allAttempts
  if (ex.notes === undefined && further.length === 0 && first?.unsent !== true) return []
  const { kept = [], more = 0 } = ex.notes ?? {}
  const all = [...kept.flatMap(decisionOf), ...betweenAttempts(ex)].sort((a, b) => a.at - b.at)
  const leftOut = more + Math.max(0, all.length - MAX_EVENTS)
  const events = all.slice(0, MAX_EVENTS)
  if (leftOut > 0) events.push({ name: 'more', at: now, facts: { left_out: leftOut } })
  return events.map((event) => ({ ...event, at: epoch + event.at }))
}

const NONE: ReadonlySet<Attempt> = new Set()

/** The attempts that began beside a slow first one. */
export function hedgesOf({ notes }: Exchange): ReadonlySet<Attempt> {
  return notes === undefined
    ? NONE
    : new Set(notes.kept.flatMap((note) => (note.kind === 'hedge' ? [note.attempt] : [])))
}

/** The failure of the request says why no further attempt followed. */
function decisionOf(note: Note): EventRecord[] {
  const { at } = note
  switch (note.kind) {
    case 'refused':
      return [{ name: 'refused', at, facts: { policy: note.policy, reason: note.reason, mode: note.mode } }]
    case 'decided':
      return note.row.event === undefined ? [] : [{ name: note.row.event, at, facts: note.facts }]
    case 'hedge':
      return [{ name: 'hedge', at, facts: { attempt: note.attempt.number } }]
    case 'no_retry':
      return []
  }
}

/** Why each further attempt followed, and which attempts were never sent. */
function betweenAttempts(ex: Exchange): EventRecord[] {
  const hedges = hedgesOf(ex)
  const events: EventRecord[] = []
  let before: Attempt | undefined
  for (const attempt of ex.allAttempts) {
    const { endedAt, head, number, startedAt: at, unsent } = attempt
    if (unsent) {
      events.push({ name: 'refused', at: endedAt || at, facts: { policy: 'pool', reason: head?.reason ?? '-' } })
      continue
    }
    if (number > 1 && !hedges.has(attempt)) {
      const after = before?.head?.reason ?? before?.head?.outcome ?? '-'
      events.push({ name: 'retry', at, facts: { attempt: number, after } })
    }
    before = attempt
  }
  return events
}
