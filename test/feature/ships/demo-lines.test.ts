import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Load } from '../../kit/load.ts'
import { type Sluice, spawnSluice } from '../../kit/sluice.ts'
import { until } from '../../kit/until.ts'
import { ROOT } from './kit/image.ts'

let sluice: Sluice

// The demo's endpoints have fixed ports: another test may have them for a moment.
beforeAll(async () => {
  const config = readFileSync(join(ROOT, 'config/sluice.yaml'), 'utf8')
  const yaml = config.replaceAll(/listen: 127\.0\.0\.1:\d+/g, 'listen: 127.0.0.1:0')
  const deadline = performance.now() + 60_000
  do {
    sluice = await spawnSluice(yaml, { args: ['--demo'] })
    await until(() => sluice.stderr.includes('  repair ') || sluice.exitCode !== undefined)
  } while (/port.* is in use/.test(sluice.stderr) && performance.now() < deadline)
  await sluice.started()
}, 90_000)

afterAll(async () => {
  expect(await sluice.stop()).toBe(0)
})

/** The line that the start printed under a name, run by a shell. */
async function paste(name: string): Promise<unknown> {
  const line = sluice.stderr.split('\n').find((text) => text.startsWith(`  ${name} `)) as string
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', line.slice(2 + name.length).trim()])
  return JSON.parse(stdout)
}

/** How many attempts each of 20 requests for an order took; each of them succeeded. */
async function attempts(): Promise<number[]> {
  const answers = await Promise.all(Array.from({ length: 20 }, () => sluice.get('/orders/1')))
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
  const lines = answers.map(({ headers }) =>
    sluice.line(({ request_id }) => request_id === headers['sluice-request-id']),
  )
  return (await Promise.all(lines)).map(({ attempts }) => Number(attempts))
}

test('the lines that the demo prints break an endpoint, unnoticed by clients, and repair it', async ({ skip }) => {
  if (!(process.env.PATH ?? '').split(':').some((folder) => existsSync(join(folder, 'curl')))) {
    expect(process.env.CI, 'curl is missing').not.toBe('true')
    skip('curl is missing on this machine')
  }
  // Requests all the time: soon after it breaks the endpoint is known to be broken, and gets none.
  const load = new Load({ port: sluice.port(), path: '/orders/1', parallel: 8 })
  await load.more(20)
  expect(await paste('break')).toEqual({ changed: [{ port: 9101, fault: 'down' }] })
  await until(() => /"attempts":[2-9]/.test(sluice.stdout), 'a request that the broken endpoint got first')
  await load.stop()
  expect([[...load.statuses.keys()], load.broken]).toEqual([[200], []])
  expect(await paste('repair')).toEqual({ changed: [{ port: 9101, fault: 'none' }] })
  await until(async () => (await attempts()).every((count) => count === 1), 'no request that needs a second attempt')
})
