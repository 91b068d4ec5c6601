import type { FlightSummary } from '../core/flight.ts'
import { ADMIN_OPTIONS, withAdmin } from './admin.ts'
import { printable } from './columns.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'

const ASKS = {
  route: { type: 'string' },
  status: { type: 'string' },
  method: { type: 'string' },
  reason: { type: 'string' },
  limit: { type: 'string' },
  for: { type: 'string' },
} as const

/** `sluice tap …`: requests as they end, one line each, until Ctrl-C, `--limit` or `--for`, or until the reader is gone. */
export async function tap(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, { ...ADMIN_OPTIONS, ...ASKS, json: { type: 'boolean' } })
  if (typeof parsed === 'string' || parsed.files.length > 0) {
    io.stderr(`sluice tap: ${typeof parsed === 'string' ? parsed : 'expected no arguments'}\n`)
    return Exit.usage
  }
  const { flags } = parsed
  const query = new URLSearchParams()
  for (const name of Object.keys(ASKS)) if (typeof flags[name] === 'string') query.set(name, flags[name])
  const leaving = new AbortController()
  const leave = (): void => leaving.abort()
  process.once('SIGINT', leave)
  process.once('SIGTERM', leave)
  // The reader is gone: `sluice tap | head`.
  process.stdout.once('error', leave)
  try {
    return await withAdmin('tap', flags, io, async (client) => {
      for await (const { event, data } of client.events(`tap?${query}`, leaving.signal)) {
        if (event === 'request')
          io.stdout(flags.json === true ? `${JSON.stringify(data)}\n` : line(data as FlightSummary))
        else if (event === 'lost')
          io.stderr(`${(data as { count: number }).count} more requests were not shown: too many at once\n`)
      }
    })
  } finally {
    process.off('SIGINT', leave)
    process.off('SIGTERM', leave)
    process.stdout.off('error', leave)
  }
}

function line(request: FlightSummary): string {
  const { attempts, durationMs, host, method, path, query, reason, requestId, route, status, time } = request
  const facts = [`${durationMs.toFixed(1)} ms`, `attempts=${attempts}`, ...(reason === null ? [] : [reason])]
  const text = `${time} ${status} ${method} ${host}${path}${query} route=${route ?? '-'} ${facts.join(' ')} ${requestId}`
  return `${printable(text)}\n`
}
