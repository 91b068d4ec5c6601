import type { ControlContext, ControlFeature, ControlHalf, LiveUse } from '../../core/control-feature.ts'
import { EndpointWords } from '../../core/endpoint-words.ts'
import type { ResolvedEndpoint, UpstreamEndpoints } from '../../core/protocol.ts'
import type { ClockHandle } from '../../lib/clock.ts'
import type { EndpointOutlierCells, GroupCells } from './cells.ts'
import type { OutlierOptions } from './keys.ts'
import { EjectionGroup, Outlier } from './outlier.ts'
import { byFailurePercentage, bySuccessRate, type Sample } from './rates.ts'
import { reporting } from './states.ts'

const TICK_MS = 1_000
const NAME = 'outlierDetection'

type OutlierUse = LiveUse<OutlierOptions, GroupCells>

interface Watched {
  readonly options: OutlierOptions
  readonly group: EjectionGroup
  readonly counts: (now: number) => readonly Sample[]
  forgivenAt: number
}

/**
 * The part of outlier detection that needs all endpoints at once: shares of failures, once per second. Also takes back
 * endpoints whose time has passed although no request asks for them.
 */
class OutlierWatch implements ControlHalf {
  private readonly context: ControlContext<OutlierOptions, GroupCells>
  private watched = new WeakMap<UpstreamEndpoints, Watched>()
  /** Upstreams of the latest config that had it. */
  private names: ReadonlySet<string> = new Set()
  private ticking: ClockHandle

  constructor(context: ControlContext<OutlierOptions, GroupCells>) {
    this.context = context
    this.ticking = this.again()
  }

  /** If it is off now, no endpoint stays ejected: nothing would bring it back. */
  applied(): void {
    const { endpoints, look, uses } = this.context
    const names = new Set(uses().map(({ use }) => use.name))
    for (const name of this.names) {
      if (names.has(name)) continue
      for (const { cells } of endpoints(name)?.endpoints ?? [])
        new EndpointWords(look.words(cells.state), cells.state.slot).readmit()
    }
    this.names = names
  }

  endpointPassed(upstream: string, { cells }: ResolvedEndpoint): void {
    const { clock, look, uses } = this.context
    if (!new EndpointWords(look.words(cells.state), cells.state.slot).ejected) return
    const use = uses().find(({ use: { name, options } }) => name === upstream && options.endOnHealthy)
    const set = this.context.endpoints(upstream)
    if (use === undefined || set === undefined) return
    const at = set.endpoints.findIndex((other) => other.cells.state === cells.state)
    this.of(use, set)?.group.members[at]?.restore(clock.now())
  }

  look(): void {
    const { clock, endpoints, uses } = this.context
    const now = clock.now()
    for (const use of uses()) {
      const set = endpoints(use.use.name)
      const watched = set && this.of(use, set)
      if (watched === undefined) continue
      for (const member of watched.group.members) member.ejected(now)
      watched.group.repair()
      judge(watched, now)
      if (now - watched.forgivenAt < watched.options.interval) continue
      watched.forgivenAt = now
      for (const member of watched.group.members) member.forgive()
    }
  }

  close(): void {
    this.context.clock.cancel(this.ticking)
  }

  private again(): ClockHandle {
    return this.context.clock.after(TICK_MS, () => {
      this.look()
      this.ticking = this.again()
    })
  }

  /** undefined: another config is about to be live, and its endpoints have no cells for this yet. */
  private of({ cells, use }: OutlierUse, set: UpstreamEndpoints): Watched | undefined {
    const { options } = use
    const known = this.watched.get(set)
    if (known?.options === options) return known
    const { clock, look, random, report } = this.context
    const own = set.endpoints.map((endpoint) => endpoint.cells.features[NAME] as EndpointOutlierCells | undefined)
    if (own.includes(undefined)) return undefined
    const group = new EjectionGroup(
      look.words(cells.ejected),
      cells.ejected.slot,
      options,
      random,
      reporting(NAME, set.upstream, report),
    )
    const members = set.endpoints.map(({ id, cells: { state } }, i) => {
      const { words } = (own[i] as EndpointOutlierCells).ejection
      return new Outlier(
        { id, words: new EndpointWords(look.words(state), state.slot) },
        group,
        look.words(words),
        words.slot,
      )
    })
    const windows = own.map((cells) => cells?.outcomes && look.window(cells.outcomes.window, options.interval))
    group.members = members
    const counts: Watched['counts'] = (now) =>
      windows.map((window, i) => window?.counts(now, (members[i] as Outlier).ejections) ?? { total: 0, failed: 0 })
    const watched = { options, group, counts, forgivenAt: clock.now() }
    this.watched.set(set, watched)
    return watched
  }
}

function judge({ counts, group, options }: Watched, now: number): void {
  const { failurePercentage, successRate } = options
  if (failurePercentage === undefined && successRate === undefined) return
  // Ejected endpoints do not count in what is normal.
  const inside = group.members.map((member, i) => ({ member, i })).filter(({ member }) => !member.flagged)
  const all = counts(now)
  const samples = inside.map(({ i }) => all[i] as Sample)
  if (failurePercentage !== undefined)
    for (const i of byFailurePercentage(samples, failurePercentage))
      inside[i]?.member.eject('failure_percentage', samples[i] as Sample, now)
  if (successRate !== undefined)
    for (const i of bySuccessRate(samples, successRate))
      inside[i]?.member.eject('success_rate', samples[i] as Sample, now)
}

export const control: ControlFeature<OutlierOptions, GroupCells> = {
  start: (context) => new OutlierWatch(context),
}
