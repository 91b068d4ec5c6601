import type { Clock } from '../lib/clock.ts'

export type LogFields = Readonly<Record<string, unknown>>

/** The operational log: what the gateway does, as opposed to what it serves. */
export interface Log {
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

/** One JSON object a line. Errors among the fields become their stack; what JSON can't hold becomes text. */
export function createLog(write: (line: string) => void, clock: Clock): Log {
  const at = (level: string) => (message: string, fields?: LogFields) => {
    const fixed = { time: new Date(clock.wall()).toISOString(), level, message }
    // Once more at the end: a field of the same name must not hide them.
    write(`${JSON.stringify({ ...fixed, ...fields, ...fixed }, plain)}\n`)
  }
  return { info: at('info'), warn: at('warn'), error: at('error') }
}

function plain(_key: string, value: unknown): unknown {
  if (value instanceof Error) return value.stack ?? String(value)
  return typeof value === 'bigint' ? String(value) : value
}
