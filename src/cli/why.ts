import { ADMIN_OPTIONS, withAdmin } from './admin.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'
import { type RecordedFlight, storyOf } from './why-text.ts'

/** `sluice why ID [--json]`: what happened to the requests with this request or correlation ID. */
export async function why(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, { ...ADMIN_OPTIONS, json: { type: 'boolean' } })
  if (typeof parsed === 'string') return usage(parsed, io)
  const [id, ...rest] = parsed.files
  if (id === undefined || rest.length > 0) return usage('expected one request or correlation ID', io)
  return withAdmin('why', parsed.flags, io, async (client) => {
    const answer = (await client.get(`requests/${encodeURIComponent(id)}`)) as { requests: readonly RecordedFlight[] }
    if (parsed.flags.json === true) io.stdout(`${JSON.stringify(answer, undefined, 2)}\n`)
    else io.stdout(answer.requests.map(storyOf).join('\n'))
  })
}

function usage(message: string, io: Io): number {
  io.stderr(`sluice why: ${message}\n`)
  return Exit.usage
}
