import { ADMIN_OPTIONS, withAdmin } from './admin.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'

interface Facts {
  readonly level: string
  readonly configured: string
  readonly until?: string
}

/** `sluice log-level [LEVEL] [--for 10m]`: sets the level of the log of a running gateway; without LEVEL it only shows it. */
export async function logLevel(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, { ...ADMIN_OPTIONS, for: { type: 'string' } })
  const problem =
    typeof parsed === 'string'
      ? parsed
      : parsed.files.length > 1 || (parsed.files.length === 0 && parsed.flags.for !== undefined)
        ? 'expected [LEVEL] [--for 10m]; levels are debug, info, warn and error'
        : undefined
  if (typeof parsed === 'string' || problem !== undefined) {
    io.stderr(`sluice log-level: ${problem}\n`)
    return Exit.usage
  }
  const [level] = parsed.files
  return withAdmin('log-level', parsed.flags, io, async (client) => {
    const facts = await (level === undefined
      ? client.get('log-level')
      : client.post('log-level', { level, for: parsed.flags.for }))
    io.stdout(`${text(facts as Facts)}\n`)
  })
}

function text({ configured, level, until }: Facts): string {
  const end = until === undefined ? '' : ` until ${until}`
  return level === configured && until === undefined ? level : `${level}${end}, configured is ${configured}`
}
