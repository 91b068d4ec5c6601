import type { Clock } from './clock.ts'

export type LogFields = Readonly<Record<string, unknown>>

/** From the least to the most important. */
export const LEVELS = ['debug', 'info', 'warn', 'error'] as const

export type Level = (typeof LEVELS)[number]

/** The operational log: what the gateway does, as opposed to what it serves. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** A log whose level can change while it is in use. */
export interface LeveledLog extends Log {
  /** Lines below this level are left out. */
  level: Level
}

/**
 * One JSON object per line, from `info` on. Errors among the fields become their stack; what JSON cannot hold becomes text.
 */
export function createLog(write: (line: string) => void, clock: Clock): LeveledLog {
  const at = (level: Level) => (message: string, fields?: LogFields) => {
    if (LEVELS.indexOf(level) < LEVELS.indexOf(log.level)) return
    const fixed = { time: new Date(clock.wall()).toISOString(), level, message }
    // Once more at the end: a field of the same name must not hide them.
    write(`${JSON.stringify({ ...fixed, ...fields, ...fixed }, plain)}\n`)
  }
  const log: LeveledLog = {
    level: 'info',
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  }
  return log
}

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Error) return value.stack ?? String(value)
  return typeof value === 'bigint' ? String(value) : value
}
