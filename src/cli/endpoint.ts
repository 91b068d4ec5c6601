import { ADMIN_OPTIONS, NOT_DURABLE, withAdmin } from './admin.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'

interface Endpoint {
  readonly upstream: string
  readonly endpoint: string
  readonly state: string
  readonly inFlight: number
}

/** `sluice endpoint drain|undrain UPSTREAM ENDPOINT`: takes an endpoint out, or back in, while the gateway runs. */
export async function endpoint(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, ADMIN_OPTIONS)
  if (typeof parsed === 'string') return usage(parsed, io)
  const [to, upstream, which, ...rest] = parsed.files
  if ((to !== 'drain' && to !== 'undrain') || which === undefined || rest.length > 0) {
    return usage('expected drain|undrain UPSTREAM ENDPOINT', io)
  }
  return withAdmin('endpoint', parsed.flags, io, async (client) => {
    const { durable, endpoints } = (await client.post('endpoints', { upstream, endpoint: which, to })) as {
      endpoints: readonly Endpoint[]
      durable: boolean
    }
    for (const met of endpoints) {
      io.stdout(`${met.upstream} ${met.endpoint}: ${met.state}, ${met.inFlight} in flight\n`)
    }
    if (!durable) io.stderr(NOT_DURABLE)
  })
}

function usage(message: string, io: Io): number {
  io.stderr(`sluice endpoint: ${message}\n`)
  return Exit.usage
}
