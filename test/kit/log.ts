import type { Level, LeveledLog, LogFields } from '../../src/lib/log.ts'

export interface LogLine {
  readonly level: Level
  readonly message: string
  readonly fields: LogFields
}

/** An operational log that keeps its lines. */
export interface MemoryLog extends LeveledLog {
  readonly lines: LogLine[]
}

export function memoryLog(): MemoryLog {
  const lines: LogLine[] = []
  const at =
    (level: LogLine['level']) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields })
    }
  return { lines, level: 'info', debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
