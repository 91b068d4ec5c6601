import type { Kept } from '../../../config/judge/keep-good.ts'
import type { ConfigSource, SourceFacts } from '../../../config/sources/source.ts'
import type { Diagnostic } from '../../../schema/diagnostics.ts'
import type { Trigger } from '../../contract.ts'
import type { ConfigOrigin } from './archive.ts'

/** The result of an attempt to make a config live. */
export interface ReloadOutcome {
  readonly ok: boolean
  /** Something else is live now. */
  readonly changed: boolean
  /** Of the live config; in a dry run of the one that was checked. */
  readonly hash: string
  /** Errors, then warnings, one line each. */
  readonly problems: readonly string[]
  /** The same as values, where there are places to tell. */
  readonly diagnostics: readonly Diagnostic[]
  /** Keys whose change needs a restart of the process. */
  readonly restart: readonly string[]
  /** Routes and upstreams with errors that stay as they were, or are left out. */
  readonly kept: readonly Kept[]
  /** The live config is in the history, on disk. */
  readonly inHistory: boolean
}

/** What is live and how the latest attempt went. */
export interface ReloadFacts {
  /** Where configs come from, and how that does. */
  readonly from: Pick<ConfigSource, 'kind' | 'name'> & Partial<SourceFacts>
  readonly source: ConfigOrigin
  readonly file: string
  readonly restart: readonly string[]
  readonly kept: readonly Kept[]
  readonly last: {
    /** All that was written is live. */
    readonly ok: boolean
    readonly trigger: Trigger
    /** RFC 3339. */
    readonly at: string
    readonly problems: readonly string[]
  }
}

/** Too many attempts wait already. */
export class ReloadBusy extends Error {}

/** The config that is live is not the one that the caller knows. */
export class ReloadConflict extends Error {}
