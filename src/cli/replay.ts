import { Replay, type ReplayReport } from '../tools/explain/replay.ts'
import type { Group } from '../tools/explain/tally.ts'
import { columns } from './columns.ts'
import { SOURCE_OPTIONS } from './config-source.ts'
import { Exit, type Io } from './io.ts'
import { eachLine } from './lines.ts'
import { loadWritten } from './load.ts'
import { parseOptions } from './options.ts'
import { PLUGINS } from './plugins.ts'

/** Groups that are shown of each kind; `--json` has all. */
const MOST_SHOWN = 20

/**
 * `sluice replay FILE ACCESS_LOG [--against OLD] [--json]`: which recorded requests the config would treat differently. 3
 * if there are any.
 */
export async function replay(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, {
    against: { type: 'string' },
    json: { type: 'boolean' },
    ...PLUGINS,
    ...SOURCE_OPTIONS,
  })
  const [file, log, ...rest] = typeof parsed === 'string' ? [] : parsed.files
  if (typeof parsed === 'string' || file === undefined || log === undefined || rest.length > 0) {
    io.stderr(`sluice replay: ${typeof parsed === 'string' ? parsed : 'expected FILE ACCESS_LOG'}\n`)
    return Exit.usage
  }
  const { against, json } = parsed.flags
  const now = await loadWritten(file, parsed.flags, io)
  const old = typeof against === 'string' ? await loadWritten(against, parsed.flags, io) : undefined
  if (now === undefined || (against !== undefined && old === undefined)) return Exit.badConfig
  const run = new Replay(now, old)
  try {
    await eachLine(log, (line) => (line === undefined ? run.tooLong() : run.line(line)))
  } catch (error) {
    io.stderr(`sluice replay: ${log} cannot be read (${(error as NodeJS.ErrnoException).code ?? String(error)})\n`)
    return Exit.failed
  }
  const report = run.report()
  io.stdout(json === true ? `${JSON.stringify(report, undefined, 2)}\n` : reportText(report, old !== undefined))
  const changed = report.routes.length + report.upstreams.length + report.policies.length
  return changed === 0 ? Exit.ok : Exit.no
}

function reportText(report: ReplayReport, against: boolean): string {
  const { lines, policies, refused, routes, same, undecided, unreadable, upstreams } = report
  const counts: readonly (readonly [string, number])[] = [
    ['lines', lines],
    ['as before', same],
    ['another route', sum(routes)],
    ['other upstreams', sum(upstreams)],
    ...(against ? [['other policies', sum(policies)] as const] : []),
    ['undecided', sum(undecided)],
    ['refused before any route', refused],
    ['unreadable', unreadable],
  ]
  return (
    columns(
      counts.map(([what, count]) => [what, String(count)]),
      0,
    ) +
    section('another route', routes) +
    section('other upstreams', upstreams) +
    section('other policies', policies) +
    section('undecided: the line lacks a fact', undecided)
  )
}

function section(title: string, groups: readonly Group[]): string {
  if (groups.length === 0) return ''
  const rows = groups.slice(0, MOST_SHOWN).map(({ count, example, what }) => [what, String(count), example])
  const more = groups.length > MOST_SHOWN ? [[`… and ${groups.length - MOST_SHOWN} more`]] : []
  return `\n${title}\n${columns([...rows, ...more], 2)}`
}

function sum(groups: readonly Group[]): number {
  return groups.reduce((total, { count }) => total + count, 0)
}
