import { ADMIN_OPTIONS, NOT_DURABLE, withAdmin } from './admin.ts'
import { Exit, type Io } from './io.ts'
import { parseOptions } from './options.ts'

const TO: Readonly<Record<string, string>> = { open: 'open', close: 'closed', auto: 'auto' }

interface Breaker {
  readonly route: string
  readonly upstream: string
  readonly state: string
}

/** `sluice breaker open|close|auto ROUTE [UPSTREAM] --for 10m`: forces circuit breakers for some time, or releases them. */
export async function breaker(args: readonly string[], io: Io): Promise<number> {
  const parsed = parseOptions(args, { ...ADMIN_OPTIONS, for: { type: 'string' } })
  if (typeof parsed === 'string') return usage(parsed, io)
  const [verb = '', route, upstream, ...rest] = parsed.files
  if (!Object.hasOwn(TO, verb) || route === undefined || rest.length > 0) {
    return usage('expected open|close|auto ROUTE [UPSTREAM]', io)
  }
  const time = parsed.flags.for
  if (verb !== 'auto' && time === undefined) return usage('--for is missing: a duration such as 10m', io)
  return withAdmin('breaker', parsed.flags, io, async (client) => {
    const command = { route, upstream, to: TO[verb], for: verb === 'auto' ? undefined : time }
    const { breakers, durable } = (await client.post('breakers', command)) as {
      breakers: readonly Breaker[]
      durable: boolean
    }
    for (const met of breakers) io.stdout(`${met.route} ${met.upstream}: ${met.state}\n`)
    if (!durable) io.stderr(NOT_DURABLE)
  })
}

function usage(message: string, io: Io): number {
  io.stderr(`sluice breaker: ${message}\n`)
  return Exit.usage
}
