import { existsSync } from 'node:fs'
import { type ParseArgsConfig, parseArgs } from 'node:util'

/** Where a config is looked for when none is named. */
const DEFAULT_FILES = ['./sluice.yaml', '/etc/sluice/sluice.yaml']

export interface Parsed {
  readonly flags: Readonly<Record<string, string | boolean | readonly string[] | undefined>>
  readonly files: readonly string[]
}

/** Flags and files of a command; a text says what is wrong with them. */
export function parseOptions(
  args: readonly string[],
  options: NonNullable<ParseArgsConfig['options']>,
): Parsed | string {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
    return { flags: values as Parsed['flags'], files: positionals }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** The config file that is used if none is named: the first default that exists, else the first. */
export function defaultFile(): string {
  return DEFAULT_FILES.find((file) => existsSync(file)) ?? (DEFAULT_FILES[0] as string)
}
