import { keptText } from '../../../config/judge/keep-good.ts'
import { CommandRefused } from '../../../core/command.ts'
import type { AuditedState, Caller, Command } from '../../../core/operation.ts'
import type { Store } from '../../../core/store.ts'
import type { Clock } from '../../../lib/clock.ts'
import type { Log } from '../../../lib/log.ts'
import type { ConfigChange } from '../../contract.ts'
import { AuditIndex } from './audit-index.ts'
import { AuditLog } from './audit-log.ts'
import type { ChainLink } from './chain.ts'
import { redacted } from './redacted.ts'

/** Parts of a config that an entry names; a broken file may have thousands. */
const MOST_KEPT = 100

/** A command on its way, as it is recorded. */
export interface CommandCall {
  readonly command: Command
  readonly who: Caller
  /** Address of the other end of the connection. */
  readonly peer: string
  readonly body: unknown
  readonly dryRun: boolean
}

export interface AuditingOptions {
  /** undefined: there is no audit log. */
  readonly folder: string | undefined
  /** Where its index is kept. */
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** No change without a line. */
  readonly required: () => boolean
  /** The status of the answer to a command that ended with this error. */
  readonly errorStatus: (error: unknown) => number
}

/** Records what operators do, and the result. */
export class Auditing {
  /** undefined: there is no audit log. */
  readonly index: AuditIndex | undefined
  private readonly entries: AuditLog | undefined
  private readonly options: AuditingOptions
  private failing = false

  constructor(options: AuditingOptions) {
    const { clock, folder, log, store } = options
    this.options = options
    const repaired = (bytes: number): void => {
      log.warn('a crash had cut the audit log short and it was repaired', { folder, bytes })
    }
    const shortened = (lines: number): void => {
      log.warn('lines were cut off the end of the audit log', { folder, lines })
    }
    if (folder === undefined) return
    this.index = new AuditIndex(folder, store)
    this.entries = new AuditLog({ folder, index: this.index, clock, repaired, shortened })
  }

  /** Carries a command out and records its result; rejects as `run` does, or if it may not be done unrecorded. */
  async run(call: CommandCall, run: () => Promise<unknown>): Promise<unknown> {
    const { log, required, errorStatus } = this.options
    const { body, command, dryRun } = call
    const { path } = command
    // It changes nothing.
    if (dryRun) {
      log.debug('dry run of a command', { path, ...subject(call).who })
      return run()
    }
    const state = (): AuditedState => command.changes?.(body) ?? {}
    const entry = { ...subject(call), request: redacted(body) }
    const begun = required() ? await this.begin(entry) : undefined
    const before = state()
    const end = async (status: number, more: Aside): Promise<void> => {
      const changed = differences(before, state())
      const link = await this.append({
        ...entry,
        begun: begun?.number,
        ...changed,
        outcome: outcomeOf(status),
        status,
        ...more,
      })
      log.info('command', { path, ...subject(call).who, status, audit: link?.number, hash: link?.hash })
    }
    try {
      const answer = await run()
      await end(200, asideOf((answer ?? {}) as Partial<ConfigChange>))
      return answer
    } catch (error) {
      const status = errorStatus(error)
      const isTold = status < 500 || error instanceof CommandRefused
      await end(status, { problem: isTold ? (error as Error).message : 'a bug' })
      throw error
    }
  }

  /** The role was insufficient for it. */
  async refused(call: Omit<CommandCall, 'body'>): Promise<void> {
    const { log } = this.options
    const problem = 'the role is insufficient'
    const link = await this.append({ ...subject(call), outcome: 'refused', status: 403, problem })
    log.info('command', {
      path: call.command.path,
      ...subject(call).who,
      status: 403,
      audit: link?.number,
      hash: link?.hash,
    })
  }

  /** Config changes by operators are commands, and recorded there. */
  async config({ after, before, kept, ok, problems, trigger }: ConfigChange): Promise<void> {
    if (trigger === 'api') return
    await this.append({
      action: trigger === 'start' ? 'start' : 'config',
      who: { by: trigger },
      ...(before !== after && {
        before: before === undefined ? undefined : { config: before },
        after: { config: after },
      }),
      outcome: ok ? 'ok' : 'refused',
      ...(ok ? asideOf({ kept, problems }) : { problem: problems[0] }),
    })
    // A log that has no index yet: the next start is to know its end at once. What goes wrong is told when it is asked.
    if (trigger === 'start') void this.index?.follow().catch(() => {})
  }

  private async begin(entry: object): Promise<ChainLink> {
    const link = await this.append({ ...entry, outcome: 'begun' })
    if (link !== undefined) return link
    throw new CommandRefused('unavailable', 'the audit log cannot be written, and logging.audit is required')
  }

  /** undefined: it could not be written, which is logged once. */
  private async append(entry: object): Promise<ChainLink | undefined> {
    const { folder, log } = this.options
    try {
      const link = await this.entries?.append(entry)
      if (this.failing) log.info('the audit log is written again', { folder })
      this.failing = false
      return link
    } catch (error) {
      if (!this.failing) log.warn('the audit log cannot be written', { folder, problem: (error as Error).message })
      this.failing = true
      return undefined
    }
  }
}

/** What an entry says beside its outcome. */
interface Aside {
  /** Parts of a config that did not become live, and what is live in their place. */
  readonly kept?: readonly string[]
  readonly problem?: string | undefined
}

/** Of a config that became live, or of any other answer; nothing if all of it did. */
function asideOf({ kept = [], problems = [] }: Partial<Pick<ConfigChange, 'kept' | 'problems'>>): Aside {
  if (kept.length === 0) return {}
  const more = kept.length > MOST_KEPT ? [`and ${kept.length - MOST_KEPT} more`] : []
  return { kept: [...kept.slice(0, MOST_KEPT).map(keptText), ...more], problem: problems[0] }
}

function subject({ command: { path }, peer, who: { by, name, role } }: Omit<CommandCall, 'body'>) {
  return { action: path, who: { by, name, role, peer } }
}

function outcomeOf(status: number): 'ok' | 'refused' | 'failed' {
  if (status < 400) return 'ok'
  return status < 500 || status === 503 ? 'refused' : 'failed'
}

/** What is not the same any more. */
function differences(
  before: AuditedState,
  after: AuditedState,
): { readonly before?: AuditedState; readonly after?: AuditedState } {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(
    (name) => before[name] !== after[name],
  )
  if (names.length === 0) return {}
  const of = (state: AuditedState): AuditedState =>
    Object.fromEntries(names.flatMap((name) => (Object.hasOwn(state, name) ? [[name, state[name] as string]] : [])))
  return { before: of(before), after: of(after) }
}
