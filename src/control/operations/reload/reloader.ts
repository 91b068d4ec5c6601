import { type Kept, keptText } from '../../../config/judge/keep-good.ts'
import type { Config } from '../../../config/language/config.ts'
import { type ConfigReading, inPlace, keptReading, readingOf } from '../../../config/sources/reading.ts'
import type { ConfigSource, Documents } from '../../../config/sources/source.ts'
import type { CallOptions, ReadCall } from '../../../core/operation.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { Diagnostic } from '../../../schema/diagnostics.ts'
import type { ConfigChange, Trigger } from '../../contract.ts'
import type { ConfigOrigin, KeptConfig } from './archive.ts'
import type { Judging, LiveConfig } from './judge.ts'
import { type SealedParts, seal } from './judged.ts'
import type { LiveConfigTexts } from './keeping.ts'
import { problemLines } from './problem-lines.ts'
import { ReloadBusy, ReloadConflict, type ReloadFacts, type ReloadOutcome } from './reload-outcome.ts'
import { restartNeeds } from './restart-needs.ts'
import { secretFiles, secretsDigest } from './secrets.ts'

/** Attempts that wait for the one in progress; further ones are refused. */
const MOST_WAITING = 4
/** Problems that are logged and shown; a broken file may have thousands. */
const MOST_SHOWN = 20

export interface ReloaderOptions {
  readonly source: ConfigSource
  /** Where `{ env: NAME }` is looked for. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly judge: Omit<Judging, 'close'>
  /** What the process was started with; `sources`: see `Loaded`. */
  readonly first: SealedParts & { readonly sources: readonly string[] }
  readonly origin: ConfigOrigin
  /** Problems of the source, if the first config came from elsewhere. */
  readonly refused: readonly Diagnostic[]
  readonly documents: Documents
  /** See `keeping`. */
  readonly keep: (config: LiveConfigTexts) => Promise<boolean>
  /** A config was loaded: the first, or one that has become live or was refused. */
  readonly told: (change: ConfigChange) => Promise<void>
  /** Makes a config live everywhere, or rejects and changes nothing. */
  readonly apply: (config: Config) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

interface Live extends LiveConfig {
  readonly config: Config
  /** What it was read from. */
  readonly documents: Documents
  readonly kept: readonly Kept[]
  readonly origin: ConfigOrigin
  readonly secrets: string
  readonly inHistory: boolean
}

/** One attempt at a time: loads a config, checks all of it, makes it live and stores it; or changes nothing and says why. */
export class Reloader {
  private readonly options: ReloaderOptions
  private readonly running: Config
  private live: Live
  private last: ReloadFacts['last']
  private watched: readonly string[]
  private tail: Promise<unknown> = Promise.resolve()
  private waiting = 0
  private coming: Promise<ReloadOutcome> | undefined = undefined

  constructor(options: ReloaderOptions) {
    const { clock, documents, first, origin } = options
    this.options = options
    this.running = first.config
    const { config, tree } = first
    const live = { id: 0, sealed: seal({ config, tree }), config, documents, kept: [], origin }
    this.live = { ...live, secrets: '', inHistory: false }
    this.last = { ok: true, trigger: 'start', at: new Date(clock.wall()).toISOString(), problems: [] }
    this.watched = first.sources
  }

  /** The first config is live. */
  async started(): Promise<void> {
    const { config, documents, origin } = this.live
    const inHistory = await this.keep(config, origin, documents)
    this.live = { ...this.live, secrets: await this.secretsOf(config), inHistory }
    await this.options.told({
      trigger: 'start',
      before: undefined,
      after: config.hash,
      ok: true,
      kept: [],
      problems: [],
    })
    const { refused } = this.options
    if (refused.length > 0) await this.refused('start', problemLines(refused))
  }

  /** Files and folders whose change may change the config. */
  get paths(): readonly string[] {
    return [...new Set([...this.watched, ...secretFiles(this.live.config)])]
  }

  get config(): Config {
    return this.live.config
  }

  /** See {@link ReloadOutcome}. */
  get inHistory(): boolean {
    return this.live.inHistory
  }

  get facts(): ReloadFacts {
    const { config, kept, origin } = this.live
    const { facts, kind, name } = this.options.source
    return {
      from: { kind, name, ...facts },
      source: origin,
      kept,
      file: config.file,
      restart: restartNeeds(this.running, config),
      last: this.last,
    }
  }

  /** Explains a request on the live config, see {@link Judge.explain}. */
  explain(body: unknown): Promise<unknown> {
    return this.options.judge.explain(this.asked, body)
  }

  /** What holds for a route or an upstream of the live config, see {@link Judge.effective}. */
  effective(query: ReadCall['query']): Promise<unknown> {
    return this.options.judge.effective(this.asked, query)
  }

  /** Asks the source again. A waiting attempt of another caller serves both. */
  reload(trigger: Trigger): Promise<ReloadOutcome> {
    this.coming ??= this.inTurn(async () => {
      this.coming = undefined
      const { source } = this.options
      const texts = await source.load()
      if (!('problem' in texts)) return this.attempt(source.kind, trigger, readingOf(source, texts))
      const { documents, origin } = this.live
      // A certificate that was renewed does not wait for a source that is down.
      if (trigger === 'file' && (origin === source.kind || origin === 'last-known-good'))
        return this.attempt(origin, trigger, keptReading(source, source.main, documents))
      return this.refused(trigger, [`${source.name}: ${texts.problem}`])
    })
    return this.coming
  }

  /** A whole config in the place of the main file, until the next reload. */
  put(yaml: string, { dryRun = false, expected }: Partial<CallOptions> = {}): Promise<ReloadOutcome> {
    return this.inTurn(() => {
      if (expected !== undefined && expected !== '*' && expected !== this.live.config.hash)
        throw new ReloadConflict(`the live config is ${this.live.config.hash}`)
      const reading = inPlace(this.options.source, this.live.config, yaml)
      return dryRun ? this.check(reading) : this.attempt('api', 'api', reading)
    })
  }

  /** One that was live before, until the next reload. */
  rollback({ documents, main }: KeptConfig): Promise<ReloadOutcome> {
    const { source } = this.options
    return this.inTurn(() => {
      const problem = source.verify?.(documents)
      if (problem !== undefined) return this.refused('api', [`${main}: as it was kept: ${problem}`])
      return this.attempt('rollback', 'api', keptReading(source, main, documents))
    })
  }

  private inTurn(attempt: () => Promise<ReloadOutcome>): Promise<ReloadOutcome> {
    if (this.waiting >= MOST_WAITING) throw new ReloadBusy('other configs are being applied')
    this.waiting++
    const turn = this.tail.then(() => {
      this.waiting--
      return attempt()
    })
    this.tail = turn.catch(() => {})
    return turn
  }

  private get asked(): LiveConfig {
    const { id, sealed } = this.live
    return { id, sealed }
  }

  private async check(reading: ConfigReading): Promise<ReloadOutcome> {
    const { config, diagnostics, kept, problems } = await this.options.judge.judge(reading, this.asked)
    const { hash } = config ?? this.live.config
    const restart = config === undefined ? [] : restartNeeds(this.running, config)
    return {
      ok: config !== undefined,
      changed: false,
      hash,
      problems,
      diagnostics,
      restart,
      kept,
      inHistory: this.live.inHistory,
    }
  }

  private async attempt(origin: ConfigOrigin, trigger: Trigger, reading: ConfigReading): Promise<ReloadOutcome> {
    const { apply, judge, log, source } = this.options
    const verdict = await judge.judge(reading, this.asked)
    const { config, diagnostics, documents, kept, problems, sources, written } = verdict
    if (origin === source.kind && (config !== undefined || sources.length > 0)) this.watched = sources
    if (config === undefined || written === undefined) return this.refused(trigger, problems, diagnostics)
    const secrets = await this.secretsOf(config)
    const before = this.live.config.hash
    const changed = config.hash !== before || secrets !== this.live.secrets
    if (changed) {
      try {
        await apply(config)
      } catch (error) {
        return this.refused(trigger, [error instanceof Error ? error.message : String(error)])
      }
    }
    const known = !changed && this.live.inHistory
    const id = this.live.id + 1
    this.live = { id, sealed: written, config, documents, kept, origin, secrets, inHistory: known }
    const { hash } = config
    const restart = restartNeeds(this.running, config)
    this.note(trigger, kept.length === 0, problems)
    if (kept.length > 0) this.partly(kept, problems)
    if (changed) {
      log.info('another config is live', {
        trigger,
        source: origin,
        hash: hash.slice(0, 12),
        routes: config.lean.routes.length,
      })
      if (restart.length > 0) log.warn('a part of the config takes effect with the next start', { keys: restart })
    } else log.debug('a config was read that means the same', { trigger, source: origin })
    // A part that was written cannot be loaded again; the history has one that can.
    const inHistory = known || (kept.length === 0 && (await this.keep(config, origin, documents)))
    this.live = { ...this.live, inHistory }
    if (changed || kept.length > 0) await this.options.told({ trigger, before, after: hash, ok: true, kept, problems })
    return { ok: true, changed, hash, problems, diagnostics, restart, kept, inHistory }
  }

  private async refused(
    trigger: Trigger,
    problems: readonly string[],
    diagnostics: readonly Diagnostic[] = [],
  ): Promise<ReloadOutcome> {
    const { config, inHistory } = this.live
    const { hash } = config
    this.options.log.error('a config was refused, the one before stays live', {
      trigger,
      problems: problems.slice(0, MOST_SHOWN),
      more: Math.max(0, problems.length - MOST_SHOWN),
    })
    this.note(trigger, false, problems)
    await this.options.told({ trigger, before: hash, after: hash, ok: false, kept: [], problems })
    return { ok: false, changed: false, hash, problems, diagnostics, restart: [], kept: [], inHistory }
  }

  private partly(kept: readonly Kept[], problems: readonly string[]): void {
    this.options.log.error('a part of the config is bad and stays as it was', {
      kept: kept.slice(0, MOST_SHOWN).map(keptText),
      problems: problems.slice(0, MOST_SHOWN),
      more: Math.max(0, problems.length - MOST_SHOWN),
    })
  }

  private note(trigger: Trigger, ok: boolean, problems: readonly string[]): void {
    const at = new Date(this.options.clock.wall()).toISOString()
    this.last = { ok, trigger, at, problems: problems.slice(0, MOST_SHOWN) }
  }

  private secretsOf(config: Config): Promise<string> {
    return secretsDigest(config, this.options.env)
  }

  /** Whether it is in the history, on disk. */
  private keep({ hash }: Config, origin: ConfigOrigin, documents: Documents): Promise<boolean> {
    return this.options.keep({ hash, source: origin, main: this.options.source.main, documents })
  }
}
