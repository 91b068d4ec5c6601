import type { Log, LogFields } from '../../src/telemetry/log.ts'

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: LogFields
}

/** An operational log that keeps its lines. */
export interface MemoryLog extends Log {
  readonly lines: LogLine[]
}

export function memoryLog(): MemoryLog {
  const lines: LogLine[] = []
  const at =
    (level: LogLine['level']) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields })
    }
  return { lines, info: at('info'), warn: at('warn'), error: at('error') }
}
