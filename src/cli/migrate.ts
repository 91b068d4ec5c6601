import { realpath, stat } from 'node:fs/promises'
import { readConfigFile, unreadable } from '../config/read/files.ts'
import { migrateFile } from '../config/upgrade/migrate.ts'
import { CURRENT_VERSION } from '../config/upgrade/migrations/index.ts'
import { writeWhole } from '../lib/write-whole.ts'
import { diagnosticLine } from '../schema/diagnostics.ts'
import { render } from './check.ts'
import { Exit, type Io } from './io.ts'
import { defaultFile, parseOptions } from './options.ts'

/**
 * `sluice migrate [FILE] [--write] [--check]`: a file of an older apiVersion in the newest one, on standard output or in
 * its place; what was changed on standard error. With --check nothing is written: 1 when there is something to do.
 */
export async function migrate(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, { write: { type: 'boolean' }, check: { type: 'boolean' } })
  const problem = typeof parsed === 'string' ? parsed : usageProblem(parsed.files, parsed.flags)
  if (typeof parsed === 'string' || problem !== undefined) {
    io.stderr(`sluice migrate: ${problem}\n`)
    return Exit.usage
  }
  const file = parsed.files[0] ?? defaultFile()
  let bytes: Uint8Array
  try {
    bytes = await readConfigFile(file)
  } catch (error) {
    io.stderr(`sluice migrate: ${file}: ${unreadable(error)}\n`)
    return Exit.badConfig
  }
  const migrated = migrateFile(file, bytes)
  if (migrated.state === 'failed') {
    io.stderr(await render(migrated.diagnostics, io.isTTY))
    return Exit.badConfig
  }
  if (migrated.state === 'current') {
    io.stderr(`${file}: nothing to do: this is ${CURRENT_VERSION}\n`)
    if (parsed.flags.check !== true && parsed.flags.write !== true) io.stdout(Buffer.from(bytes).toString('utf8'))
    return Exit.ok
  }
  for (const change of migrated.changes) io.stderr(`${diagnosticLine({ ...change, severity: 'error' })}\n`)
  if (parsed.flags.check === true) {
    io.stderr(`${file}: this is ${migrated.from}; sluice migrate ${file} --write makes it ${CURRENT_VERSION}\n`)
    return Exit.failed
  }
  if (parsed.flags.write === true) await replaceFile(file, migrated.text)
  else io.stdout(migrated.text)
  io.stderr(`${file}: from ${migrated.from} to ${CURRENT_VERSION}${parsed.flags.write === true ? ', written' : ''}\n`)
  return Exit.ok
}

function usageProblem(files: readonly string[], flags: Readonly<Record<string, unknown>>): string | undefined {
  if (files.length > 1) return 'expected one file at a time'
  return flags.write === true && flags.check === true
    ? '--check writes nothing: use one of --check and --write'
    : undefined
}

/** It keeps its mode, and stays where a link leads. */
async function replaceFile(file: string, text: string): Promise<void> {
  const target = await realpath(file)
  await writeWhole(target, text, (await stat(target)).mode & 0o777, process.pid)
}
