/**
 * How long the control plane stands still while it judges a large config and makes it live: the longest stretch of each step,
 * and how long `/livez` takes meanwhile. Usage: node test/bench/reload/control.ts [ROUTES] (10000: about 2.5 MB)
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { firstConfig } from '../../../src/cli/first-config.ts'
import { filesSource } from '../../../src/config/sources/files.ts'
import { inJudgeThread, workerEntry } from '../../../src/control/entry.ts'
import { Gateway } from '../../../src/control/gateway.ts'
import { thisMachine } from '../../../src/control/machine/machine.ts'
import { inThreads } from '../../../src/control/workers/thread.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { createLog } from '../../../src/lib/log.ts'
import { systemRandom } from '../../../src/lib/random.ts'

const COUNT = Number(process.argv[2] ?? 10_000)
const PORT = 9101

function yamlOf(routes: number, attempt: string): string {
  const upstreams = Array.from(
    { length: routes / 10 },
    (_, i) => `  service-${i}: { endpoints: ["http://127.0.0.1:${PORT}"], timeouts: { connect: 1s } }\n`,
  )
  const lines = Array.from(
    { length: routes },
    (_, i) => `  route-number-${i}:
    match: { hosts: [shop-${i % 100}.example.com], paths: ["/api/v1/things-${i}/{id}", "/api/v2/things-${i}/*"] }
    to: service-${i % (routes / 10)}
    headers: { request: { set: { x-tenant: "tenant-${i}" } } }
    timeouts: { request: 5s, attempt: ${attempt} }
`,
  )
  return `apiVersion: sluice/v1
workers: 2
watch: off
listeners: { web: { listen: "127.0.0.1:0" } }
admin: { listen: "127.0.0.1:0" }
probes: { listen: "127.0.0.1:0" }
drain: { delay: 0s, timeout: 1s }
upstreams:
${upstreams.join('')}routes:
${lines.join('')}`
}

const folder = await mkdtemp(join(tmpdir(), 'sluice-bench-'))
const file = join(folder, 'sluice.yaml')
const [before, after] = [yamlOf(COUNT, '1s'), yamlOf(COUNT, '2s')]
await writeFile(file, before)
const io = { stdout: () => {}, stderr: () => {}, env: { XDG_STATE_HOME: folder }, isTTY: false }
const first = await firstConfig(filesSource(file), { badToo: false, unread: false, stateDir: undefined }, io)
if (first === undefined) throw new Error('the config is bad')
const gateway = new Gateway(first.config, {
  version: '0.0.0',
  features: first.language.features,
  plugins: [],
  clock: systemClock,
  random: systemRandom(),
  log: createLog((text) => process.env.VERBOSE !== undefined && process.stderr.write(text), systemClock),
  notice: () => {},
  env: io.env,
  home: folder,
  machine: thisMachine(),
  startWorker: inThreads(workerEntry()),
  startLogs: () => ({ stop: async () => {} }),
  operations: [],
  reload: { ...first.reload, startJudge: inJudgeThread },
  testHooks: false,
})
const facts = await gateway.start()
const admin = `http://127.0.0.1:${facts.admin.port}`
const token = (await readFile(facts.tokenFile as string, 'utf8')).trim()
const post = async (path: string, body: object): Promise<string> => {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const answer = await fetch(`${admin}/api/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  return `${answer.status} ${(await answer.text()).slice(0, 60)}`
}
const get = async (path: string): Promise<string> => {
  const answer = await fetch(`${admin}/api/v1/${path}`)
  return `${answer.status} ${(await answer.text()).slice(0, 60)}`
}

async function step(name: string, act: () => Promise<string>): Promise<void> {
  const delays = monitorEventLoopDelay({ resolution: 5 })
  let [running, slowest, asked] = [true, 0, 0]
  const probes = (async () => {
    while (running) {
      const begun = performance.now()
      await (await fetch(`http://127.0.0.1:${facts.probes?.port}/livez`)).text()
      slowest = Math.max(slowest, performance.now() - begun)
      asked++
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  })()
  await new Promise((resolve) => setTimeout(resolve, 200))
  delays.enable()
  const begun = performance.now()
  const said = await act()
  const took = performance.now() - begun
  await new Promise((resolve) => setTimeout(resolve, 500))
  delays.disable()
  running = false
  await probes
  const ms = (value: number): string => `${value.toFixed(0).padStart(6)} ms`
  console.log(
    `${name.padEnd(18)} took${ms(took)}  longest stretch${ms(delays.max / 1e6)}  slowest of ${asked} probes${ms(slowest)}  ${said}`,
  )
}

console.log(`${COUNT} routes, ${(before.length / 1e6).toFixed(1)} MB`)
await step('nothing', async () => '')
await step('dry run', () => post('config?dryRun=true', { yaml: after }))
await step('config put', () => post('config', { yaml: after }))
await step('explain', () => post('explain', { method: 'GET', url: 'http://shop-1.example.com/api/v1/things-1/7' }))
await step('effective', () => get('config/effective?route=route-number-7'))
await step('history', () => get('history'))
await step('reload of files', () => post('reload', {}))
await step('rollback', () => post('rollback', { number: 2 }))
await step('a bad one', () => post('config', { yaml: after.replaceAll('attempt: 2s', 'attempt: 2') }))
await gateway.drain('sigint')
await rm(folder, { recursive: true, force: true })
