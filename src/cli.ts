import type { Io } from './cli/io.ts'
import { Exit, Misused } from './cli/io.ts'

interface Command {
  readonly usage: string
  readonly does: string
  run(args: readonly string[], io: Io): Promise<number>
}

/** Every command; each loads only what it needs. */
const COMMANDS: Readonly<Record<string, Command>> = {
  run: {
    usage: 'run [FILE|URL] [--demo] [--last-known-good]',
    does: 'the gateway; --demo adds embedded upstreams',
    run: async (args, io) => (await import('./cli/run.ts')).run(args, io),
  },
  check: {
    usage: 'check [FILE|URL…] [--json|--sarif|--github] [--strict] [--plugins]',
    does: 'every error and warning of a config file',
    run: async (args, io) => (await import('./cli/check.ts')).check(args, io),
  },
  explain: {
    usage: "explain FILE METHOD URL [-H 'name: value']… [--from ADDRESS] [--json]",
    does: 'which route gets a request, and why the others do not',
    run: async (args, io) => (await import('./cli/explain.ts')).explain(args, io),
  },
  test: {
    usage: 'test [FILE] [--json] [--fail-under PERCENT]',
    does: 'the tests of a config file, and which routes they reach',
    run: async (args, io) => (await import('./cli/test.ts')).test(args, io),
  },
  diff: {
    usage: 'diff OLD NEW [--json]',
    does: 'how two config files differ in meaning',
    run: async (args, io) => (await import('./cli/diff.ts')).diff(args, io),
  },
  replay: {
    usage: 'replay FILE ACCESS_LOG [--against OLD] [--json]',
    does: 'which recorded requests a config would treat otherwise',
    run: async (args, io) => (await import('./cli/replay.ts')).replay(args, io),
  },
  status: {
    usage: 'status [--json]',
    does: 'the state of a running gateway',
    run: async (args, io) => (await import('./cli/status.ts')).status(args, io),
  },
  dashboard: {
    usage: 'dashboard',
    does: 'the link of the dashboard of a running gateway, with its token',
    run: async (args, io) => (await import('./cli/dashboard.ts')).dashboard(args, io),
  },
  reload: {
    usage: 'reload',
    does: 'makes a running gateway read its files again',
    run: async (args, io) => (await import('./cli/reload.ts')).reload(args, io),
  },
  history: {
    usage: 'history [--json]',
    does: 'the configs that were live',
    run: async (args, io) => (await import('./cli/history.ts')).history(args, io),
  },
  rollback: {
    usage: 'rollback NUMBER',
    does: 'makes a config of the history live again',
    run: async (args, io) => (await import('./cli/history.ts')).rollback(args, io),
  },
  endpoint: {
    usage: 'endpoint drain|undrain UPSTREAM ENDPOINT',
    does: 'takes an endpoint out, or back in',
    run: async (args, io) => (await import('./cli/endpoint.ts')).endpoint(args, io),
  },
  breaker: {
    usage: 'breaker open|close|auto ROUTE [UPSTREAM] [--for 10m]',
    does: 'forces circuit breakers for some time, or releases them',
    run: async (args, io) => (await import('./cli/breaker.ts')).breaker(args, io),
  },
  'log-level': {
    usage: 'log-level [LEVEL] [--for 10m]',
    does: 'the level of the log of a running gateway',
    run: async (args, io) => (await import('./cli/log-level.ts')).logLevel(args, io),
  },
  profile: {
    usage: 'profile [--worker N] [--seconds S | --heap] --out FILE',
    does: 'where a worker of a running gateway spends its time, or what its memory holds',
    run: async (args, io) => (await import('./cli/profile.ts')).profile(args, io),
  },
  audit: {
    usage:
      'audit verify [DIR|FILE], audit show [--json] [--since 1h] [--until T] [--actor N] [--action A] [--limit 1000]',
    does: 'checks the audit log; shows what operators did',
    run: async (args, io) => (await import('./cli/audit.ts')).audit(args, io),
  },
  why: {
    usage: 'why ID [--json]',
    does: 'the story of a request that failed or was slow, by its request or correlation ID',
    run: async (args, io) => (await import('./cli/why.ts')).why(args, io),
  },
  tap: {
    usage: 'tap [--route R] [--status 5xx] [--method M] [--reason R] [--limit N] [--for 30s] [--json]',
    does: 'requests of a running gateway as they end',
    run: async (args, io) => (await import('./cli/tap.ts')).tap(args, io),
  },
  top: {
    usage: 'top [--once] [--json] [--sort KEY] [--filter TEXT]',
    does: 'routes, upstreams, breakers and queues of a running gateway, live',
    run: async (args, io) => (await import('./cli/top.ts')).top(args, io),
  },
  drill: {
    usage: 'drill [FILE] [SCENARIO…] [--upstream NAME] [--junit FILE]',
    does: 'failure scenarios against a config, on simulated upstreams',
    run: async (args, io) => (await import('./cli/drill.ts')).drill(args, io),
  },
  migrate: {
    usage: 'migrate [FILE] [--write] [--check]',
    does: 'rewrites a config of an older apiVersion',
    run: async (args, io) => (await import('./cli/migrate.ts')).migrate(args, io),
  },
  import: {
    usage: 'import nginx|ingress FILE [--json]',
    does: 'makes a config of one of nginx or of a Kubernetes Ingress',
    run: async (args, io) => (await import('./cli/import.ts')).importFile(args, io),
  },
  schema: {
    usage: 'schema [FILE --plugins]',
    does: 'the JSON Schema of the config',
    run: async (args, io) => (await import('./cli/schema.ts')).schema(args, io),
  },
  plugin: {
    usage: 'plugin new NAME',
    does: 'writes a plug-in with a test',
    run: async (args, io) => (await import('./cli/plugin.ts')).plugin(args, io),
  },
  version: {
    usage: 'version',
    does: 'the version of Sluice and of Node',
    run: async (_args, io) => {
      io.stdout(`sluice ${(await import('./control/version.ts')).version()} (node ${process.version})\n`)
      return Exit.ok
    },
  },
}

const USAGE_WIDTH = 54

function help(): string {
  const rows = Object.values(COMMANDS).map(({ usage, does }) => {
    const fits = usage.length <= USAGE_WIDTH
    return `  sluice ${fits ? usage.padEnd(USAGE_WIDTH) : `${usage}\n${' '.repeat('  sluice '.length + USAGE_WIDTH)}`} ${does}`
  })
  return `Sluice, a resilient API gateway.\n\n${rows.join('\n')}\n\nFILE defaults to ./sluice.yaml, then /etc/sluice/sluice.yaml. What talks to a running gateway takes\n--admin URL (http://127.0.0.1:9901) and --token-file FILE.\n`
}

async function main(argv: readonly string[], io: Io): Promise<number> {
  const name = argv[0] === '--version' || argv[0] === '-v' ? 'version' : argv[0]
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    io.stdout(help())
    return name === undefined ? Exit.usage : Exit.ok
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command !== undefined) {
    const args = argv.slice(1)
    if (!args.some((arg) => arg === '--help' || arg === '-h')) return ran(name, command, args)
    io.stdout(`sluice ${command.usage}\n\n${command.does}\n`)
    return Exit.ok
  }
  io.stderr(`sluice: unknown command ${JSON.stringify(name)}\n\n${help()}`)
  return Exit.usage
}

async function ran(name: string, command: Command, args: readonly string[]): Promise<number> {
  try {
    return await command.run(args, io)
  } catch (error) {
    if (!(error instanceof Misused)) throw error
    io.stderr(`sluice ${name}: ${error.message}\n`)
    return Exit.usage
  }
}

const io: Io = {
  stdout: (text) => void process.stdout.write(text),
  stderr: (text) => void process.stderr.write(text),
  env: process.env,
  isTTY: process.stderr.isTTY === true,
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader of a pipe may have seen enough: `sluice explain … | head`.
  if (error.code !== 'EPIPE') throw error
})
process.exitCode = await main(process.argv.slice(2), io).catch((error: unknown) => {
  io.stderr(`sluice: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return Exit.failed
})
// A gateway that got two signals, or gave up, leaves threads and sockets behind, and a plug-in that was looked at its timers.
process.stdout.write('', () => process.exit())
