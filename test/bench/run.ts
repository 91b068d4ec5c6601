import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { readArgs, USAGE, type Wanted } from './args.ts'
import { bench, estimate } from './bench.ts'
import { machine, requireTools, withoutPaths } from './machine.ts'
import { markdown, type Report } from './report.ts'
import { judge } from './required.ts'
import { keep } from './results.ts'

/** Load average up to which a machine counts as quiet. */
const QUIET_LOAD = 0.5
const EXIT = { bound: 1, usage: 64, broken: 70, interrupted: 130 } as const

/** The report; nothing that was started for it lives on, however it ends. */
async function measure(wanted: Wanted, signal: AbortSignal): Promise<Report> {
  const { mode, bounds, reference, seconds, rounds, warmUp } = wanted
  const { latency, title } = mode
  const expected = estimate({ ...wanted, latency })
  say(`${title}: ${wanted.peers.length} peers, about ${Math.ceil(expected / 60)} min, ended after three times that`)
  const [loadBefore = 0] = loadavg()
  if (loadBefore > QUIET_LOAD)
    say(`the machine is busy: load average ${loadBefore.toFixed(2)}; take no figure for good`)
  const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
  try {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout((3 * expected + 120) * 1000)])
    const { rows, versions, skipped } = await bench({ ...wanted, latency, folder, progress: say, signal: bounded })
    const extra = mode.extra?.(rows)
    return {
      title,
      command: [
        'npm run bench',
        ...(mode.name === 'peers' ? [] : [`-- --${mode.name}`]),
        ...(mode.name === 'against' ? ['FOLDER'] : []),
      ].join(' '),
      date: new Date().toISOString().slice(0, 10),
      machine: machine(),
      loadBefore,
      seconds,
      rounds,
      warmUp,
      peers: wanted.peers.map(({ name, about }) => ({ name, about })),
      versions,
      reference,
      required: [...judge(bounds, rows), ...(extra?.required ?? [])],
      rows,
      more: extra === undefined ? [] : [{ heading: extra.heading, text: extra.text }],
      skipped: skipped.map(({ peer, why }) => ({ peer, why: withoutPaths(why) })),
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function main(wanted: Wanted): Promise<number> {
  const interrupted = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => interrupted.abort())
  try {
    await requireTools()
    const report = await measure(wanted, interrupted.signal)
    process.stdout.write(`# ${report.title}\n\n${markdown(report)}\n`)
    if (wanted.whole || wanted.out !== undefined) await keep(wanted.mode.name, report, wanted.out, say)
    else say('results not kept: a choice of peers or scenarios, or too few rounds; --out FOLDER keeps them')
    return wanted.require && report.required.some(({ holds, kind }) => kind === 'bar' && !holds) ? EXIT.bound : 0
  } catch (error) {
    if (!interrupted.signal.aborted) {
      say(error instanceof Error ? error.message : String(error))
      return EXIT.broken
    }
    say('interrupted; everything that was started has ended')
    return EXIT.interrupted
  }
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

let wanted: Wanted | undefined
try {
  wanted = readArgs(process.argv.slice(2))
} catch (error) {
  say(`${(error as Error).message}\n${USAGE}`)
  process.exitCode = EXIT.usage
}
// Handlers of signals and sockets of ended children need not keep the process.
if (wanted !== undefined) process.exit(await main(wanted))
