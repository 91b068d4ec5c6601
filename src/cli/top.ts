import type { LiveBody } from '../control/seeing/live/figures.ts'
import { systemClock } from '../lib/clock.ts'
import { ADMIN_OPTIONS, type AdminClient, withAdmin } from './admin.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'
import { LiveTop } from './top-live.ts'
import { type Rates, ratesOf } from './top-rates.ts'
import { headline, SORT_KEYS, type SortKey, tables } from './top-view.ts'

const SAMPLE_MS = 1_000

/** `sluice top`: routes, upstreams, breakers and queues, live; `--once`: one look of a second, for scripts. */
export async function top(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, {
    ...ADMIN_OPTIONS,
    once: { type: 'boolean' },
    json: { type: 'boolean' },
    sort: { type: 'string' },
    filter: { type: 'string' },
  })
  if (typeof parsed === 'string') return usage(parsed, io)
  const { filter = '', json, once, sort = 'rate' } = parsed.flags
  if (parsed.files.length > 0) return usage('expected no arguments', io)
  if (!SORT_KEYS.includes(sort as SortKey)) return usage(`--sort takes one of ${SORT_KEYS.join(', ')}`, io)
  if (json === true && once !== true) return usage('--json needs --once', io)
  const { stdin, stdout } = process
  const terminal = { stdin, stdout, colour: io.env.NO_COLOR === undefined, clock: systemClock }
  const view = { sort: sort as SortKey, filter: String(filter) }
  if (once !== true && !(stdin.isTTY && stdout.isTTY)) return usage('this is not a terminal; use --once', io)
  return withAdmin('top', parsed.flags, io, async (client) => {
    if (once !== true) return new LiveTop(client, view, terminal).run()
    const rates = await sample(client)
    const { lasting, ...other } = rates
    const lists = Object.fromEntries(lasting.map(({ list, rows }) => [list, rows]))
    if (json === true) return io.stdout(`${JSON.stringify({ ...other, ...lists }, undefined, 2)}\n`)
    const lines = tables(rates, { ...view, rows: Number.POSITIVE_INFINITY })
    return io.stdout(`${[headline(rates), '', ...lines.map(({ text }) => text.trimEnd())].join('\n')}\n`)
  })
}

async function sample(client: AdminClient): Promise<Rates> {
  const before = (await client.get('live')) as LiveBody
  // The clock's timers keep no process alive, and there is nothing else to do meanwhile.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SAMPLE_MS)
  return ratesOf(before, (await client.get('live')) as LiveBody)
}

function usage(message: string, io: Io): number {
  io.stderr(`sluice top: ${message}\n`)
  return Exit.usage
}
