/**
 * Starts the gateway as a newcomer would, with `npm start`, asks it a few things and ends it. Exit code 0: all was as
 * promised.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

const WEB = 'http://127.0.0.1:8080'
const PROBES = 'http://127.0.0.1:9902'
const DEADLINE_MS = 30_000
const CORRELATION = 'smoke-1'

const gateway = spawn('npm', ['start'], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
let log = ''
let notes = ''
gateway.stdout.setEncoding('utf8').on('data', (text: string) => {
  log += text
})
gateway.stderr.setEncoding('utf8').on('data', (text: string) => {
  notes += text
})
const ended = once(gateway, 'exit')
const force = setTimeout(() => {
  process.stderr.write(`smoke: not done within ${DEADLINE_MS} ms\n`)
  signalGroup('SIGKILL')
}, DEADLINE_MS)

try {
  await ready()
  await answers()
  signalGroup('SIGTERM')
  // npm itself ends by the signal; what the gateway makes of it is in its log.
  await ended
  await drained()
  if (!log.includes(`"correlation_id":"${CORRELATION}"`)) throw new Error('the access log has no line of the request')
  process.stderr.write('smoke: ready, answered, logged, drained\n')
} catch (error) {
  process.stderr.write(`smoke: ${error instanceof Error ? error.message : String(error)}\n${notes}\n`)
  process.exitCode = 1
} finally {
  clearTimeout(force)
  signalGroup('SIGKILL')
}

async function ready(): Promise<void> {
  while (gateway.exitCode === null && gateway.signalCode === null) {
    const status = await fetch(`${PROBES}/readyz`).then(
      (answer) => answer.status,
      () => 0,
    )
    if (status === 200) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('ended before it was ready')
}

async function answers(): Promise<void> {
  const order = await fetch(`${WEB}/orders/1`, { headers: { 'x-correlation-id': CORRELATION } })
  if (order.status !== 200) throw new Error(`/orders/1 answered ${order.status}`)
  const id = order.headers.get('x-correlation-id')
  if (id !== CORRELATION) throw new Error(`/orders/1 came back with correlation ID ${id}`)
  if (((await order.json()) as { id?: unknown }).id !== 1) throw new Error('/orders/1 is not order 1')
  const missing = await fetch(`${WEB}/nothing-here`)
  const problem = (await missing.json()) as { reason?: unknown }
  if (missing.status !== 404 || problem.reason !== 'no_route') throw new Error(`no route answered ${missing.status}`)
  const metrics = await fetch(`${PROBES}/metrics`)
  if (!(await metrics.text()).includes('sluice_requests_total')) throw new Error('/metrics counts no requests')
}

async function drained(): Promise<void> {
  while (!notes.includes('"message":"drained"')) {
    if (gateway.stderr.readableEnded) throw new Error('it did not drain after SIGTERM')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** npm, its shell and the gateway, as a terminal's Ctrl-C or a service manager does. */
function signalGroup(name: NodeJS.Signals): void {
  try {
    process.kill(-(gateway.pid as number), name)
  } catch {
    // It has ended.
  }
}
