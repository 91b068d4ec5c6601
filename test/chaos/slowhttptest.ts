/**
 * `npm run chaos:slowhttptest -- [--seconds N] [--write]`: slowhttptest with 200 and 400 connections in each of its modes, against a
 * gateway with default limits on each of the two servers of HTTP/1.1, and what another client sees meanwhile. `--write` puts the
 * table into docs/slow-clients.md.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { withTables } from '../bench/docs.ts'
import { machine } from '../bench/machine.ts'
import { tableOf } from '../bench/report.ts'
import { HTTP1_SERVERS } from '../kit/ingress.ts'
import { attacked, MODES } from '../kit/slowhttptest.ts'

const PAGE = fileURLToPath(new URL('../../docs/slow-clients.md', import.meta.url))
const CONNECTIONS = [200, 400]

const OWN_NET = 'SLUICE_CHAOS_OWN_NET'
/**
 * A network of its own, whose sockets buffer little. What is sent to a client that does not read fills 4 MB of the system's memory
 * for sockets, and as much behind the gateway: 200 of them take all that there is, and then every connection of the machine waits.
 */
const SMALL_BUFFERS = `ip link set lo up &&
echo 4096 16384 262144 > /proc/sys/net/ipv4/tcp_wmem &&
echo 4096 65536 262144 > /proc/sys/net/ipv4/tcp_rmem && exec "$0" "$@"`
if (process.env[OWN_NET] === undefined) {
  const env = { ...process.env, [OWN_NET]: '1' }
  const able = spawnSync('unshare', ['-rn', 'sh', '-c', SMALL_BUFFERS, 'true']).status === 0
  if (able) {
    const again = ['-rn', 'sh', '-c', SMALL_BUFFERS, process.execPath, ...process.argv.slice(1)]
    process.exit(spawnSync('unshare', again, { env, stdio: 'inherit' }).status ?? 1)
  }
  process.stderr.write(
    'no network of its own (unshare): readers that hardly read take the memory that the system has for sockets\n',
  )
}

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '30' }, write: { type: 'boolean', default: false } },
})
const seconds = Number(values.seconds)
if (!(seconds >= 1 && seconds <= 300)) throw new Error('--seconds: from 1 to 300')
const [loadBefore = 0] = loadavg()
const lines: string[][] = []
for (const http1 of HTTP1_SERVERS) {
  for (const mode of MODES) {
    for (const connections of CONNECTIONS) {
      const seen = await attacked([[mode, connections]], seconds, { http1 })
      const { available, closed, failed, inFlight, p99, requests, unavailable } = seen
      lines.push([
        `\`${http1}\` ${mode}`,
        `${connections}`,
        `${seen.connections}`,
        `${inFlight}`,
        `${closed}`,
        unavailable === 0 && available > 0 ? 'yes' : '**no**',
        `${failed} of ${requests}`,
        `${p99.toFixed(0)} ms`,
      ])
      process.stdout.write(`${http1} ${mode}, ${connections}: ${JSON.stringify(seen)}\n`)
      if (failed > 0 || unavailable > 0 || available === 0) process.exitCode = 1
    }
  }
}
const heads = [
  'attack',
  'connections',
  'at a time',
  'requests in flight',
  'closed',
  'available',
  'others failed',
  'their p99',
]
const table = tableOf(heads, lines)
process.stdout.write(`${table}\n`)
if (values.write) {
  const date = new Date().toISOString().slice(0, 10)
  const how = `By \`npm run chaos:slowhttptest -- --write\` on ${date}, ${seconds} s each: ${machine()}. Load average before: ${loadBefore.toFixed(2)}.`
  writeFileSync(PAGE, withTables(readFileSync(PAGE, 'utf8'), 'slowhttptest', `${how}\n\n${table}`))
}
