import { readCommand } from '../../core/command.ts'
import type { Description, Operation } from '../../core/operation.ts'
import type { Clock, ClockHandle } from '../../lib/clock.ts'
import { LEVELS, type Level, type LeveledLog } from '../../lib/log.ts'
import { object, optional, required } from '../../schema/composites.ts'
import { duration, oneOf } from '../../schema/scalars.ts'
import { choice, record, ref, said, TIME } from '../../schema/shape.ts'

export interface LogLevelFacts {
  /** That holds now. */
  readonly level: Level
  /** `logging.level` of the live config. */
  readonly configured: Level
  /** RFC 3339: when it is as configured again; undefined: with the next config, or it is. */
  readonly until: string | undefined
}

/** What {@link LogLevel.set} reads. */
const LEVEL_COMMAND = object({
  level: required(oneOf(...LEVELS), 'The least level that is written.'),
  for: optional(duration(1_000, 86_400_000), 'Time for which it holds. Default: until another config is live.'),
})

/** The level of the operational log: as configured, or temporarily as an operator set it. */
export class LogLevel {
  private readonly log: LeveledLog
  private readonly clock: Clock
  private base: Level
  private end: { readonly handle: ClockHandle; readonly at: string } | undefined = undefined

  constructor(log: LeveledLog, clock: Clock, configured: Level) {
    this.log = log
    this.clock = clock
    this.base = configured
    log.level = configured
  }

  get facts(): LogLevelFacts {
    return { level: this.log.level, configured: this.base, until: this.end?.at }
  }

  /** Another config is live. A level that was set for a time stays until then. */
  configure(level: Level): void {
    this.base = level
    if (this.end === undefined) this.log.level = level
  }

  /** The operator's command. Throws `BadCommand`. */
  set(body: unknown): LogLevelFacts {
    const { level, for: ms } = readCommand(LEVEL_COMMAND, body)
    this.close()
    this.log.level = level
    if (ms !== undefined) {
      const handle = this.clock.after(ms, () => {
        this.end = undefined
        this.log.level = this.base
      })
      this.end = { handle, at: new Date(this.clock.wall() + ms).toISOString() }
    }
    return this.facts
  }

  close(): void {
    this.clock.cancel(this.end?.handle)
    this.end = undefined
  }
}

export function logLevelOperations(level: LogLevel): readonly Operation[] {
  const described = (description: string): Pick<Description, 'tag' | 'answer' | 'schemas'> => ({
    tag: 'Gateway',
    answer: { description, schema: ref('LogLevel') },
    schemas: {
      LogLevel: record(
        { level: choice(...LEVELS), configured: said('`logging.level`.', choice(...LEVELS)) },
        { until: said('When it is as configured again.', TIME) },
      ),
    },
  })
  return [
    {
      kind: 'view',
      path: 'log-level',
      says: { id: 'getLogLevel', summary: 'The level of the operational log', ...described('The level.') },
      read: () => level.facts,
    },
    {
      kind: 'command',
      path: 'log-level',
      takes: { body: LEVEL_COMMAND },
      says: {
        id: 'setLogLevel',
        summary: 'Changes the level of the operational log, temporarily or until another config is live',
        ...described('The level from now on.'),
      },
      run: async (body) => level.set(body),
      changes: () => ({ level: level.facts.level }),
    },
  ]
}
