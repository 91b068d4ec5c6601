import { labelled } from '../../workers/lasting.ts'
import type { EndpointFigures, LiveFigures } from './figures.ts'

const MOST_KEPT = 1_000
const KEPT_MS = 15 * 60_000

/** Something that changed, `at` milliseconds since the epoch. `lasted`: milliseconds in the state before. */
export type LiveEvent =
  | { readonly at: number; readonly kind: 'config'; readonly generation: number; readonly hash: string }
  | { readonly at: number; readonly kind: 'refused'; readonly problem: string }
  /** What lasts, by the kind and with the labels that its table gives it; `text`: what the state means, and why. */
  | (Change & { readonly kind: string; readonly text: string; readonly [label: string]: string | number })
  | (Change & {
      readonly kind: 'endpoint'
      readonly upstream: string
      readonly endpoint: string
      readonly text: string
    })
  | (Change & { readonly kind: 'worker'; readonly worker: number })

interface Change {
  readonly at: number
  readonly from: string
  readonly to: string
  readonly lasted: number
}

interface State {
  readonly state: string
  readonly since: number
}

/** What the journal looks at; `last`: the latest attempt to load a config. */
export interface Looked extends Pick<LiveFigures, 'at' | 'generation' | 'hash' | 'states' | 'workers'> {
  readonly endpoints: readonly (Pick<EndpointFigures, 'endpoint' | 'state' | 'text'> & { readonly upstream: string })[]
  readonly last: { readonly ok: boolean; readonly at: string; readonly problems: readonly string[] } | undefined
}

/**
 * Changes of state, as seen from look to look: a change that is undone in between is missed. Keeps 15 minutes, and 1,000
 * events at most.
 */
export class LiveJournal {
  private states = new Map<string, State>()
  private kept: LiveEvent[] = []
  private generation = 0
  private lastAt = ''

  get events(): readonly LiveEvent[] {
    return this.kept
  }

  /** Since when the state holds. */
  since(...key: readonly (string | number)[]): number | undefined {
    return this.states.get(key.join('\0'))?.since
  }

  /** Compares with the previous look; returns what is new. */
  look(looked: Looked): readonly LiveEvent[] {
    const { at, endpoints, states, workers } = looked
    const before = this.states
    const fresh = this.configEvents(looked)
    this.states = new Map()
    const compare = (key: readonly (string | number)[], to: string, event: (change: Change) => LiveEvent): void => {
      const name = key.join('\0')
      const known = before.get(name)
      this.states.set(name, known?.state === to ? known : { state: to, since: at })
      if (known !== undefined && known.state !== to)
        fresh.push(event({ at, from: known.state, to, lasted: at - known.since }))
    }
    for (const { labels, state, table, text } of states) {
      const { kind } = table
      compare([kind, ...labels], state, (change) => ({ ...change, kind, ...labelled(table, labels), text }))
    }
    for (const { upstream, endpoint, state, text } of endpoints)
      compare(['endpoint', upstream, endpoint], state, (change) => ({
        ...change,
        kind: 'endpoint',
        upstream,
        endpoint,
        text,
      }))
    for (const { worker, state } of workers)
      compare(['worker', worker], state, (change) => ({ ...change, kind: 'worker', worker }))
    this.kept = [...this.kept, ...fresh].filter((event) => event.at > at - KEPT_MS).slice(-MOST_KEPT)
    return fresh
  }

  private configEvents({ at, generation, hash, last }: Looked): LiveEvent[] {
    const events: LiveEvent[] = []
    if (generation !== this.generation) events.push({ at, kind: 'config', generation, hash: hash ?? '' })
    if (last !== undefined && last.at !== this.lastAt && !last.ok)
      events.push({ at: Date.parse(last.at), kind: 'refused', problem: last.problems[0] ?? '' })
    this.generation = generation
    this.lastAt = last?.at ?? ''
    return events
  }
}
